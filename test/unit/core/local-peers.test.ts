import assert from 'node:assert/strict'
import { test } from 'node:test'
import { joinLocal } from '../../../src/core/local-peers.ts'
import { PeerHub } from '../../../src/core/peer-hub.ts'
import { peersSuite, type PeersWorld } from './peers-suite.ts'

function localWorld(): PeersWorld {
  const hub = new PeerHub()
  const losses = new Map<number, number>()
  const loses = (_: unknown, to: number): boolean => {
    const left = losses.get(to) ?? 0
    if (left > 0) losses.set(to, left - 1)
    return left > 0
  }
  return {
    join: async () => joinLocal(hub, { loses }),
    kill: async (peers) => hub.leave(peers.self),
    lose: (peers, count) => losses.set(peers.self, count),
    settle: () => new Promise((resolve) => setImmediate(resolve)),
  }
}

peersSuite('in one process', localWorld)

test('one that is alone has no others and may send', () => {
  const peers = joinLocal(new PeerHub())
  assert.deepEqual(peers.others(), [])
  peers.send('topic', Buffer.from('x'))
})

test('the hub does not believe what a frame says of its sender, nor that others join or leave', async () => {
  const hub = new PeerHub()
  const seen: unknown[] = []
  const first = hub.join((frame) => seen.push(frame))
  const second = hub.join(() => {})
  seen.length = 0
  const frame = { from: 77, to: 0, topic: 't', sequence: 1, bytes: new Uint8Array(0) }
  hub.send(second.self, { ...frame, kind: 'message' })
  hub.send(second.self, { ...frame, kind: 'leave', from: first.self })
  hub.send(99, { ...frame, kind: 'message' })
  assert.deepEqual(seen, [{ ...frame, kind: 'message', from: second.self }])
})
