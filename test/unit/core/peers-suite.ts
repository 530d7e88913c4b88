/**
 * What every implementation of Peers promises (src/core/peers.ts). Run over members of one process and over the
 * supervisor's channels.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerMessage, Peers } from '../../../src/core/peers.ts'

export interface PeersWorld {
  /** A new member; those before hear of it. */
  join(): Promise<Peers>
  /** Ends a member as if its process had died. */
  kill(peers: Peers): Promise<void>
  /** The next `count` messages to `peers` are lost on the way. */
  lose(peers: Peers, count: number): void
  /** All that is under way has arrived. */
  settle(): Promise<void>
}

const bytes = (text: string): Uint8Array => Buffer.from(text)

/** What a member heard on a topic, as 'from/sequence/text'. */
function listen(peers: Peers, topic = 'topic'): string[] {
  const heard: string[] = []
  peers.onMessage(topic, (message: PeerMessage) => {
    heard.push(`${message.from}/${message.sequence}/${Buffer.from(message.bytes).toString()}`)
  })
  return heard
}

export function peersSuite(name: string, makeWorld: () => PeersWorld): void {
  test(`${name}: messages arrive at all others, in order, once, and never at the sender`, async () => {
    const world = makeWorld()
    const [a, b, c] = [await world.join(), await world.join(), await world.join()]
    const [heardA, heardB, heardC] = [listen(a), listen(b), listen(c)]
    await world.settle()
    for (const text of ['x', 'y', 'z']) a.send('topic', bytes(text))
    b.send('topic', bytes('w'))
    await world.settle()
    assert.deepEqual(heardA, [`${b.self}/1/w`])
    assert.deepEqual(
      heardB,
      ['x', 'y', 'z'].map((text, i) => `${a.self}/${i + 1}/${text}`),
    )
    assert.deepEqual(
      heardC.filter((each) => each.startsWith(a.self + '/')),
      heardB,
    )
    assert.ok(heardC.includes(`${b.self}/1/w`))
  })

  test(`${name}: what is sent to one arrives there, in order, and at nobody else`, async () => {
    const world = makeWorld()
    const [a, b, c] = [await world.join(), await world.join(), await world.join()]
    const [heardB, heardC] = [listen(b), listen(c)]
    await world.settle()
    a.send('topic', bytes('x'), b.self)
    a.send('topic', bytes('y'), c.self)
    a.send('topic', bytes('z'), b.self)
    await world.settle()
    assert.deepEqual(heardB, [`${a.self}/1/x`, `${a.self}/2/z`])
    assert.deepEqual(heardC, [`${a.self}/1/y`])
    await world.kill(b)
    await world.settle()
    a.send('topic', bytes('w'), b.self)
    await world.settle()
    assert.equal(heardC.length, 1)
  })

  test(`${name}: topics are counted and heard apart`, async () => {
    const world = makeWorld()
    const [a, b] = [await world.join(), await world.join()]
    const [one, two] = [listen(b, 'one'), listen(b, 'two')]
    await world.settle()
    a.send('one', bytes('1'))
    a.send('two', bytes('2'))
    a.send('three', bytes('3'))
    await world.settle()
    assert.deepEqual([one, two], [[`${a.self}/1/1`], [`${a.self}/1/2`]])
  })

  test(`${name}: no listener is called from inside send, and the bytes may be used again at once`, async () => {
    const world = makeWorld()
    const [a, b] = [await world.join(), await world.join()]
    const heard = listen(b)
    await world.settle()
    const buffer = Buffer.from('before')
    a.send('topic', buffer)
    assert.deepEqual(heard, [])
    buffer.write('after!')
    await world.settle()
    assert.deepEqual(heard, [`${a.self}/1/before`])
  })

  test(`${name}: the last listener of a topic holds`, async () => {
    const world = makeWorld()
    const [a, b] = [await world.join(), await world.join()]
    const [first, second] = [listen(b), listen(b)]
    await world.settle()
    a.send('topic', bytes('x'))
    await world.settle()
    assert.deepEqual([first.length, second.length], [0, 1])
  })

  test(`${name}: numbers are unique, also of one that comes back, and others() knows who is here`, async () => {
    const world = makeWorld()
    const [a, b] = [await world.join(), await world.join()]
    await world.settle()
    assert.deepEqual([a.others(), b.others()], [[b.self], [a.self]])
    await world.kill(b)
    const c = await world.join()
    await world.settle()
    assert.equal(new Set([a.self, b.self, c.self]).size, 3)
    assert.deepEqual([a.others(), c.others()], [[c.self], [a.self]])
  })

  test(`${name}: leaving is announced once to each of the others`, async () => {
    const world = makeWorld()
    const [a, b, c] = [await world.join(), await world.join(), await world.join()]
    const left: [Peers, number][] = []
    for (const each of [a, b, c]) each.onLeave((peer) => left.push([each, peer]))
    let heardBesides = 0
    a.onLeave(() => heardBesides++)
    await world.settle()
    await world.kill(b)
    await world.settle()
    assert.deepEqual(left, [
      [a, b.self],
      [c, b.self],
    ])
    assert.equal(heardBesides, 1)
  })

  test(`${name}: one that joins is sent a snapshot by one peer that provides it, before later messages`, async () => {
    const world = makeWorld()
    const [a, b] = [await world.join(), await world.join()]
    a.onSnapshot('topic', () => bytes('state of a'))
    b.onSnapshot('topic', () => bytes('state of b'))
    a.send('topic', bytes('old'))
    await world.settle()
    const c = await world.join()
    const heard = listen(c)
    await world.settle()
    a.send('topic', bytes('new'))
    await world.settle()
    assert.deepEqual(heard, [`${a.self}/0/state of a`, `${a.self}/2/new`])
  })

  test(`${name}: a peer that provides no snapshot is passed over, and one that dies is not waited for`, async () => {
    const world = makeWorld()
    const [a, b, c] = [await world.join(), await world.join(), await world.join()]
    c.onSnapshot('topic', () => bytes('state of c'))
    await world.settle()
    const d = await world.join()
    const heard = listen(d)
    await world.kill(a)
    await world.settle()
    assert.deepEqual(heard, [`${c.self}/0/state of c`])
    assert.deepEqual(d.others(), [b.self, c.self])
  })

  test(`${name}: a lost message is a gap, and the receiver gets a snapshot of its sender`, async () => {
    const world = makeWorld()
    const [a, b] = [await world.join(), await world.join()]
    let state = ''
    a.onSnapshot('topic', () => bytes(state))
    const heard = listen(b)
    await world.settle()
    heard.length = 0
    const say = (text: string): void => {
      state += text
      a.send('topic', bytes(text))
    }
    say('x')
    await world.settle()
    world.lose(b, 2)
    say('y')
    say('z')
    await world.settle()
    say('!')
    await world.settle()
    say('?')
    await world.settle()
    assert.deepEqual(heard, [`${a.self}/1/x`, `${a.self}/4/!`, `${a.self}/0/xyz!`, `${a.self}/5/?`])
  })

  test(`${name}: a loss before the first message that arrives is seen too`, async () => {
    const world = makeWorld()
    const a = await world.join()
    const heard = listen(a)
    const b = await world.join()
    b.onSnapshot('topic', () => bytes('all of b'))
    await world.settle()
    world.lose(a, 1)
    b.send('topic', bytes('first'))
    await world.settle()
    b.send('topic', bytes('second'))
    await world.settle()
    assert.deepEqual(heard, [`${b.self}/2/second`, `${b.self}/0/all of b`])
  })

  test(`${name}: after close nothing is sent or heard`, async () => {
    const world = makeWorld()
    const [a, b] = [await world.join(), await world.join()]
    const [heardA, heardB] = [listen(a), listen(b)]
    await world.settle()
    a.close()
    a.close()
    a.send('topic', bytes('x'))
    b.send('topic', bytes('y'))
    await world.settle()
    assert.deepEqual([heardA, heardB], [[], []])
  })
}
