import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { PeerHub } from '../../../src/core/peer-hub.ts'
import type { PeerFrame, PeerMember } from '../../../src/core/peer-member.ts'
import type { Peers } from '../../../src/core/peers.ts'
import {
  channelBytesMax,
  channelPeers,
  joinOverChannel,
  PeerChannel,
} from '../../../src/supervisor/channel-peers.ts'
import { peersSuite, type PeersWorld } from '../core/peers-suite.ts'

interface Wire {
  readonly ports: readonly MessagePort[]
  losses: number
}

/** Channels that clone what passes, as those of processes do. */
function channelWorld(): PeersWorld {
  const hub = new PeerHub()
  const wires = new Map<Peers, Wire>()
  return {
    async join() {
      const { port1, port2 } = new MessageChannel()
      const wire: Wire = { ports: [port1, port2], losses: 0 }
      const { self, others } = joinOverChannel(hub, (message, done) => {
        done()
        if (message.frame.kind === 'message' && wire.losses-- > 0) return
        port1.postMessage(message.frame)
      })
      const member: PeerMember = channelPeers(self, others, (message, done) => {
        done()
        port2.postMessage(message.frame)
      })
      port1.on('message', (frame: PeerFrame) => hub.send(self, frame))
      port2.on('message', (frame: PeerFrame) => member.receive(frame))
      for (const port of wire.ports) port.unref()
      wires.set(member, wire)
      return member
    },
    async kill(peers) {
      for (const port of wires.get(peers)?.ports ?? []) port.close()
      hub.leave(peers.self)
    },
    lose(peers, count) {
      const wire = wires.get(peers)
      if (wire !== undefined) wire.losses = count
    },
    async settle() {
      for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

peersSuite('over channels', channelWorld)

test('a channel that is not read loses messages beyond its bound, and nothing else', () => {
  const waiting: (() => void)[] = []
  const sent: string[] = []
  const channel = new PeerChannel((message, done) => {
    sent.push(message.frame.kind)
    waiting.push(done)
  })
  const frame: PeerFrame = {
    kind: 'message',
    from: 1,
    to: 0,
    topic: 't',
    sequence: 1,
    bytes: new Uint8Array(1 << 20),
  }
  const fitting = Math.floor(channelBytesMax / (frame.bytes.length + 128 + 1))
  for (let i = 0; i < fitting + 3; i++) channel.send(frame)
  assert.equal(channel.lost, 3)
  channel.send({ ...frame, kind: 'snapshot' })
  assert.equal(sent.length, fitting + 1)
  for (const done of waiting) done()
  channel.send(frame)
  assert.equal(channel.lost, 3)
})
