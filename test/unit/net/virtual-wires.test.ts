/** The shared suite over the wires of the tests: what they show an engine must be what a socket would show it. */
import { transportSuite } from './transport-suite.ts'
import type { TransportWorld } from './transport-world.ts'
import { Wire } from '../../story/wire.ts'
import { SimWire } from '../../sim/wire.ts'
import { World } from '../../sim/world.ts'

function storyWire(): TransportWorld {
  let wire = new Wire()
  const run = (): Promise<void> => {
    wire.run()
    return Promise.resolve()
  }
  return {
    name: 'wire of the stories',
    pair() {
      wire = new Wire()
      const [a, b] = wire.pair()
      return Promise.resolve({ a, b, release() {} })
    },
    async until(condition, what) {
      await run()
      if (!condition()) throw new Error(`waited in vain for ${what}`)
    },
    rest: run,
    keepsWrites: true,
    showsResets: true,
    addresses: 'made-up',
    floodBytes: 4 * 1024 * 1024,
  }
}

function simulatedWire(seed: number): TransportWorld {
  let world = new World(seed)
  /** An event of its own ends the turn: what was staged outside of any leaves with it. */
  const pass = (ms: number): void => {
    const untilMs = world.nowMs() + ms
    world.after(0, () => {})
    world.after(ms, () => {})
    world.run(untilMs, 1e7)
  }
  return {
    name: `wire of the simulation, seed ${seed}`,
    pair() {
      world = new World(seed)
      const wire = new SimWire(world, { kernelBytes: 64 * 1024, delayMsMax: 20, chunkBytesMax: 10_000 })
      const [a, b] = wire.link('192.0.2.7', 40_000)
      return Promise.resolve({ a, b, release() {} })
    },
    until(condition, what) {
      for (let i = 0; i < 5000 && !condition(); i++) pass(5)
      if (!condition()) throw new Error(`waited in vain for ${what}`)
      return Promise.resolve()
    },
    rest(ms) {
      pass(ms)
      return Promise.resolve()
    },
    keepsWrites: false,
    showsResets: true,
    addresses: 'made-up',
    floodBytes: 4 * 1024 * 1024,
  }
}

transportSuite(storyWire())
for (const seed of [1, 2, 3]) transportSuite(simulatedWire(seed))
