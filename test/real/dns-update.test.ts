/** dns-01 by dynamic updates of BIND: the record comes and goes, and what BIND refuses is told. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { keyAuthorizationHash, type Answerer } from '../../src/tls/acme/challenge.ts'
import { readKeyFile } from '../../src/tls/acme/dns/key-file.ts'
import { tsigAlgorithms, type TsigKey } from '../../src/tls/acme/dns/tsig.ts'
import { dnsByUpdate, type DnsUpdateOptions } from '../../src/tls/acme/dns/update.ts'
import { needs } from '../programs.ts'
import { AcmeEdge } from './acme-edge.ts'
import { Bind } from './bind.ts'
import { until } from './supervised.ts'

const skip = needs('named', 'tsig-keygen')
const skipEdge = needs('named', 'tsig-keygen', 'pebble', 'pebble-challtestsrv')
const owner = '_acme-challenge.example.com'

function keyOf(bind: Bind): TsigKey {
  const key = readKeyFile(readFileSync(bind.keyFile, 'utf8'))
  assert.ok(typeof key !== 'string')
  return key
}

function answererOf(bind: Bind, more: Partial<DnsUpdateOptions> = {}): Answerer {
  return dnsByUpdate({
    server: { host: '127.0.0.1', port: bind.port },
    key: keyOf(bind),
    zone: '',
    waitMs: 0,
    nowMs: () => Date.now(),
    aliasOf: async () => '',
    ...more,
  })
}

function present(answerer: Answerer, token: string, name = 'example.com'): Promise<() => Promise<void>> {
  const challenge = { type: 'dns-01', name, token, keyAuthorization: `${token}.thumbprint` } as const
  return answerer.present(challenge, AbortSignal.timeout(60_000))
}

const valueOf = (token: string): string => keyAuthorizationHash(`${token}.thumbprint`).toString('base64url')

for (const algorithm of tsigAlgorithms) {
  test(`records of two orders stand side by side and go one by one (${algorithm})`, { skip }, async (t) => {
    const bind = await Bind.start(t, { algorithm })
    const answerer = answererOf(bind)
    const first = await present(answerer, 'one')
    const second = await present(answerer, 'two')
    assert.deepEqual(await bind.texts(owner), [valueOf('one'), valueOf('two')].sort())
    await first()
    assert.deepEqual(await bind.texts(owner), [valueOf('two')])
    await second()
    assert.deepEqual(await bind.texts(owner), [])
  })
}

test('what BIND refuses is told with its reason', { skip }, async (t) => {
  const bind = await Bind.start(t)
  const key = keyOf(bind)
  const rejects = (more: Partial<DnsUpdateOptions>, message: RegExp, name = 'example.com'): Promise<void> =>
    assert.rejects(present(answererOf(bind, more), 'x', name), { kind: 'refused', message })
  await rejects(
    { key: { ...key, secret: Buffer.from('guessed') } },
    /another secret for the key headgate-key \(BADSIG\)/,
  )
  await rejects({ key: { ...key, name: 'nobody' } }, /knows no key nobody of this algorithm \(BADKEY\)/)
  await rejects(
    { nowMs: () => Date.now() - 3_600_000 },
    /the clocks must be within 300 s; its clock shows 20\d\d-/,
  )
  await rejects(
    {},
    /REFUSED.*must let the key headgate-key change TXT records at _acme-challenge\.www/,
    'www.example.com',
  )
  await rejects({}, /has no zone for _acme-challenge\.example\.net/, 'example.net')
  await rejects({ zone: 'other.example' }, /is to update the zone other\.example/)
  assert.deepEqual(await bind.texts(owner), [])
})

test('a CNAME in the zone is followed, and a delegation is left alone', { skip }, async (t) => {
  const records = [
    '_acme-challenge.shop IN CNAME _acme-challenge.example.com.',
    'sub IN NS ns.elsewhere.example.',
  ]
  const bind = await Bind.start(t, { records })
  const withdraw = await present(answererOf(bind), 'shop', 'shop.example.com')
  assert.deepEqual(await bind.texts(owner), [valueOf('shop')])
  await withdraw()
  assert.deepEqual(await bind.texts(owner), [])
  await assert.rejects(present(answererOf(bind), 'sub', 'www.sub.example.com'), /has no zone for/)
})

test('a wildcard certificate from Pebble, which asks BIND', { skip: skipEdge }, async (t) => {
  const bind = await Bind.start(t)
  const update = { server: bind.address, key: bind.keyFile }
  const world = await AcmeEdge.prepare(t, {
    hosts: ['*.example.com'],
    acme: { dns: { update, wait: 0 } },
    pebble: { dnsServer: bind.address },
  })
  await world.start()
  const seen = await world.shake('a.example.com', await world.pebble.root())
  assert.equal(seen.error, '')
  assert.equal(seen.names, 'DNS:*.example.com')
  await until('it cleans up', async () => (await bind.texts(owner)).length === 0)
})
