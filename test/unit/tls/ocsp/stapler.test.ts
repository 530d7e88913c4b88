import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ServerCertificate } from '../../../../src/tls/server-certificate.ts'
import { firstRetryMs, lastRetryMs, OcspStapler } from '../../../../src/tls/ocsp/stapler.ts'
import { needs } from '../../../programs.ts'
import { CertificateClock, dayMs } from '../acme/automatic-world.ts'
import { eventually } from '../acme/folder.ts'
import { OpensslAuthority, type Answering } from './authority.ts'

describe('OCSP answers for stapling', { skip: needs('openssl') }, () => {
  let authority: OpensslAuthority
  before(() => {
    authority = new OpensslAuthority('http://127.0.0.1:1/')
  })
  after(() => authority.remove())

  /** A stapler whose responder does as it is told to. */
  function make() {
    const clock = new CertificateClock()
    const made = {
      clock,
      asked: 0,
      isBroken: false,
      how: {} as Answering,
      said: [] as string[],
      certificate: new ServerCertificate([{ cert: authority.chain, key: authority.key }]),
    }
    const stapler = new OcspStapler({
      clock,
      note: (level, sentence) => void made.said.push(`${level}: ${sentence}`),
      ask: async (_, request) => {
        made.asked++
        if (made.isBroken) throw new Error('it is broken')
        return authority.answer(request, made.how)
      },
    })
    return { ...made, made, stapler }
  }

  it('are asked for once it is on, and put into every object that serves the certificate', async () => {
    const { made, stapler, certificate } = make()
    stapler.follow(certificate)
    assert.equal(made.asked, 0)
    stapler.configure(true)
    await eventually('one', () => certificate.ocsp !== null)
    const again = new ServerCertificate(certificate.pairs)
    stapler.follow(again)
    assert.equal(again.ocsp, certificate.ocsp)
    assert.equal(made.asked, 1)
    stapler.configure(false)
    assert.deepEqual([certificate.ocsp, again.ocsp], [null, null])
    stapler.close()
  })

  it('are had for each of two kinds of keys, and stand apart', async () => {
    const rsa = new OpensslAuthority('http://127.0.0.1:2/', 'rsa')
    try {
      const { chain, key } = authority
      const pairs = [
        { cert: rsa.chain, key: rsa.key },
        { cert: chain, key },
      ]
      const certificate = new ServerCertificate(pairs)
      const stapler = new OcspStapler({
        clock: new CertificateClock(),
        note() {},
        ask: async (url, request) => (url.includes(':2/') ? rsa : authority).answer(request),
      })
      stapler.configure(true)
      stapler.follow(certificate)
      await eventually('both', () => certificate.ocsp !== null && certificate.rsaOcsp !== null)
      assert.notDeepEqual(certificate.ocsp, certificate.rsaOcsp)
      const alone = new ServerCertificate(pairs.slice(0, 1))
      stapler.follow(alone)
      assert.equal(alone.ocsp, certificate.rsaOcsp)
      stapler.configure(false)
      assert.deepEqual([certificate.ocsp, certificate.rsaOcsp, alone.ocsp], [null, null, null])
      stapler.close()
    } finally {
      rsa.remove()
    }
  })

  it('are fetched anew after half of their time, a day at most', async () => {
    const { made, stapler, certificate, clock } = make()
    made.how = { days: 1 }
    stapler.configure(true)
    stapler.follow(certificate)
    await eventually('one', () => certificate.ocsp !== null)
    clock.advance(dayMs / 2 - 300_000)
    assert.equal(made.asked, 1)
    made.how = { days: 30 }
    const first = certificate.ocsp
    clock.advance(600_000)
    await eventually('another', () => certificate.ocsp !== first)
    clock.advance(dayMs - 1000)
    assert.equal(made.asked, 2)
    clock.advance(2000)
    assert.equal(made.asked, 3)
    stapler.close()
  })

  it('are asked for again when they could not be had, ever more seldom, which is told once', async () => {
    const { made, stapler, certificate, clock } = make()
    made.isBroken = true
    stapler.configure(true)
    stapler.follow(certificate)
    for (let waitMs = firstRetryMs; waitMs <= lastRetryMs; waitMs *= 2) {
      const { asked } = made
      await eventually('a failure', () => clock.waiting > 0)
      clock.advance(waitMs - 1)
      assert.equal(made.asked, asked)
      clock.advance(1)
      assert.equal(made.asked, asked + 1)
    }
    assert.deepEqual(made.said, [
      'warn: the OCSP answer for the certificate of localhost cannot be had, and is asked for again: it is broken',
    ])
    made.isBroken = false
    await eventually('a failure', () => clock.waiting > 0)
    clock.advance(lastRetryMs)
    await eventually('one', () => certificate.ocsp !== null)
    assert.equal(made.said.length, 2)
    stapler.close()
  })

  it('are shown as long as they hold when no newer one comes, and then no more', async () => {
    const { made, stapler, certificate, clock } = make()
    made.how = { days: 1 }
    stapler.configure(true)
    stapler.follow(certificate)
    await eventually('one', () => certificate.ocsp !== null)
    made.isBroken = true
    for (let hours = 0; hours < 23; hours++) {
      clock.advance(3_600_000)
      await eventually('its turn', () => clock.waiting > 0)
      assert.notEqual(certificate.ocsp, null)
    }
    clock.advance(3_700_000)
    await eventually('its end', () => certificate.ocsp === null)
    stapler.close()
  })

  it('that say "revoked" are told, and the one before is not shown any more', async () => {
    const { made, stapler, certificate, clock } = make()
    stapler.configure(true)
    stapler.follow(certificate)
    await eventually('one', () => certificate.ocsp !== null)
    made.how = { status: 'R' }
    clock.advance(dayMs)
    await eventually('it is gone', () => certificate.ocsp === null)
    assert.match(made.said[0] ?? '', /warn: .*the certificate is revoked/)
    stapler.close()
  })
})
