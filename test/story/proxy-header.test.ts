/** A connection whose peer announces the client: from the header's first byte to the request behind it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DateText } from '../../src/core/clock.ts'
import { faultRow } from '../../src/core/faults.ts'
import { Timers } from '../../src/core/timers.ts'
import { serveH1 } from '../../src/h1/server.ts'
import { defaultLimits } from '../../src/http/limits.ts'
import { ProxyStage } from '../../src/net/proxy-stage.ts'
import { writeProxyHeader } from '../../src/net/write-proxy-header.ts'
import { get } from './h1-world.ts'
import { ManualClock } from './manual-clock.ts'
import { ScriptedServe } from './scripted-serve.ts'
import { Peer, Wire } from './wire.ts'

const client = { remoteAddress: '192.0.2.1', remotePort: 5, localAddress: '198.51.100.7', localPort: 443 }
const headers = {
  v1: writeProxyHeader('v1', client).toString('latin1'),
  v2: writeProxyHeader('v2', client, { authority: 'a.example' }).toString('latin1'),
}

function announcedStory(splitBytes = Infinity) {
  const clock = new ManualClock()
  const timers = new Timers(clock)
  const wire = new Wire()
  clock.onRan = () => wire.run()
  const serve = new ScriptedServe()
  const [near, far] = wire.pair()
  near.splitBytes = splitBytes
  const said: string[] = []
  const stage = new ProxyStage(near, {
    timers,
    headerMs: 3000,
    drainMs: 1000,
    owner: {
      onHeader: (_stage, header) => {
        said.push(`${header.sourceAddress} ${header.sourcePort}`)
        const onClosed = (): void => void said.push('connection closed')
        serveH1(near, { serve, timers, limits: defaultLimits, dateText: new DateText(clock), onClosed })
      },
      onRefused: (_stage, fault) => void said.push(faultRow(fault).name),
      onClosed: () => void said.push('closed'),
    },
  })
  return { clock, timers, wire, serve, stage, said, near, peer: new Peer(far) }
}

describe('a header and a request behind it', () => {
  for (const [version, header] of Object.entries(headers)) {
    for (const splitBytes of [1, 2, 7, 16, 28, Infinity]) {
      it(`${version} in pieces of ${splitBytes} bytes: the request is served`, () => {
        const { peer, serve, said, wire } = announcedStory(splitBytes)
        peer.say(header + get('/one') + get('/two'))
        wire.run()
        assert.deepEqual(said, ['192.0.2.1 5'])
        const [one, , two] = serve.log
        assert.deepEqual([one, two], ['serve GET /one', 'serve GET /two'])
      })
    }

    it(`${version}: a header alone, the request later`, () => {
      const { peer, serve, said, timers, clock, wire } = announcedStory()
      peer.say(header)
      assert.deepEqual(said, ['192.0.2.1 5'])
      assert.deepEqual(serve.log, [])
      clock.advance(5000)
      peer.say(get('/'))
      wire.run()
      assert.equal(serve.log[0], 'serve GET /')
      assert.ok(timers.hanging > 0)
    })
  }
})

describe('no header', () => {
  it('a peer that has to send one and speaks HTTP at once is cut off, and nothing is served', () => {
    const { peer, serve, said, timers } = announcedStory()
    peer.say(get('/'))
    assert.deepEqual(said, ['proxy_header_missing', 'closed'])
    assert.deepEqual(serve.log, [])
    assert.equal(timers.hanging, 0)
    assert.ok(peer.hasEnded)
  })

  it('a header that does not come in time ends the connection, also one that drips', () => {
    for (const beginning of ['', 'PROXY TCP4 1']) {
      const { peer, said, clock, wire, timers } = announcedStory()
      if (beginning !== '') peer.say(beginning)
      clock.advance(2900)
      peer.end.writeText(beginning === '' ? 'P' : '0')
      wire.run()
      clock.advance(200)
      wire.run()
      assert.deepEqual(said, ['proxy_header_timeout', 'closed'])
      assert.equal(timers.hanging, 0)
    }
  })

  it('a peer that only looks whether somebody listens is no fault', () => {
    const { peer, said, wire, timers } = announcedStory()
    peer.end.end()
    wire.run()
    assert.deepEqual(said, ['closed'])
    assert.equal(timers.hanging, 0)
  })

  it('a FIN within the header is one', () => {
    const { peer, said, wire } = announcedStory()
    peer.say('PROXY TCP4 ')
    peer.end.end()
    wire.run()
    assert.deepEqual(said, ['proxy_header_bad', 'closed'])
  })

  it('a reset within it leaves nothing', () => {
    const { peer, said, wire, timers } = announcedStory()
    peer.say('PROXY TCP4 ')
    peer.end.reset()
    wire.run()
    assert.deepEqual(said, ['closed'])
    assert.equal(timers.hanging, 0)
  })

  it('a drain leaves it a little time', () => {
    const { stage, said, wire, clock, timers } = announcedStory()
    stage.drain()
    clock.advance(900)
    wire.run()
    assert.deepEqual(said, [])
    clock.advance(200)
    wire.run()
    assert.deepEqual(said, ['closed'])
    assert.equal(timers.hanging, 0)
  })

  it('its owner may end it', () => {
    const { stage, said, wire, timers } = announcedStory()
    assert.ok(stage.isIdle)
    stage.destroy()
    wire.run()
    assert.deepEqual(said, ['closed'])
    assert.equal(timers.hanging, 0)
  })
})
