/**
 * One worker of a world of slices: a whole edge whose route has a cache with slices, over the disk that all workers share. Its
 * clock and its connections end with it, at any moment.
 */
import type { Clock, ClockTimer } from '../../../src/core/clock.ts'
import { joinLocal } from '../../../src/core/local-peers.ts'
import type { PeerHub } from '../../../src/core/peer-hub.ts'
import { CacheKey } from '../../../src/cache/keys/key.ts'
import { rfcPolicy } from '../../../src/cache/rules/policy.ts'
import { SharedCache } from '../../../src/cache/shared-cache.ts'
import { createCache } from '../../../src/handlers/cache.ts'
import type { Connector, Transport, TransportAddress, TransportEvents } from '../../../src/net/transport.ts'
import { Edge } from '../edge.ts'
import type { SimDisk } from '../sim-disk.ts'
import type { SimTransport, SimWire } from '../wire.ts'
import type { World } from '../world.ts'

export interface WorkerSettings {
  readonly port: number
  readonly zone: string
  readonly sliceBytes: number
  readonly windowBytes: number
  readonly memoryBytesMax: number
  readonly diskBytesMax: number
  /** How long a message to another worker takes at most. */
  readonly messageMsMax: number
}

/** All that a process has of its world. */
class Life implements Clock, Connector {
  isOver = false
  readonly #world: World
  readonly #wire: SimWire
  readonly #ends: SimTransport[] = []

  constructor(world: World, wire: SimWire) {
    this.#world = world
    this.#wire = wire
  }

  nowMs(): number {
    return this.#world.nowMs()
  }

  wallMs(): number {
    return this.#world.wallMs()
  }

  after(delayMs: number, callback: () => void): ClockTimer {
    return this.#world.after(delayMs, () => {
      if (!this.isOver) callback()
    })
  }

  /** What a process does with its last breath reaches nobody. */
  connect(address: TransportAddress, events: TransportEvents, onConnect: () => void): Transport {
    if (this.isOver) return this.#wire.link(address.host, address.port)[0]
    const end = this.#wire.connect(address, events, onConnect) as SimTransport
    this.#ends.push(end)
    return end
  }

  accepted(end: SimTransport): void {
    this.#ends.push(end)
  }

  end(): void {
    this.isOver = true
    for (const end of this.#ends) {
      end.events = nobody
      end.reset()
    }
  }
}

const nobody: TransportEvents = { onBytes() {}, onDrain() {}, onEnd() {}, onClose() {} }

export class SlicedWorker {
  readonly edge: Edge
  readonly #life: Life
  #cache: SharedCache | null = null

  /** `hub`: by which it hears of the others; null: it is alone. */
  constructor(world: World, wire: SimWire, disk: SimDisk, hub: PeerHub | null, settings: WorkerSettings) {
    const life = new Life(world, wire)
    this.#life = life
    const { port, zone, sliceBytes, memoryBytesMax, messageMsMax } = settings
    const frames: (() => void)[] = []
    const later = (deliver: () => void): void => {
      frames.push(deliver)
      life.after(world.random.next() * messageMsMax, () => frames.shift()?.())
    }
    const steps = (timers: Edge['timers']): ReturnType<typeof createCache>[] => {
      const cache = new SharedCache({
        clock: life,
        timers,
        peers: hub === null ? null : joinLocal(hub, { later }),
        disk,
        settings: {
          bytesMax: memoryBytesMax,
          entryBytesMax: 0,
          whenDeserted: world.random.pick(['auto', 'finish', 'abort'] as const),
          disk: { path: '/cache', bytesMax: settings.diskBytesMax },
        },
        fillLimits: {
          windowBytes: settings.windowBytes,
          rangeAheadBytesMax: settings.windowBytes,
          unsharedMs: 200,
        },
      })
      this.#cache = cache
      const policy = { ...rfcPolicy, errorGraceMs: 0 }
      const key = new CacheKey('sim', zone)
      const options = { key, policy, folding: null, bypass: null, minUses: 1, sliceBytes, purgeMethod: null }
      return [createCache({ ...options, slot: 0, statusName: 'sim' }, { clock: life, cache })]
    }
    const zones = [{ name: zone, ports: [port], steps }]
    this.edge = new Edge(world, wire, { ports: [port], zones, clock: life, connector: life })
  }

  get cache(): SharedCache {
    if (this.#cache === null) throw new Error('the edge has made no cache')
    return this.#cache
  }

  accept(end: SimTransport): void {
    this.#life.accepted(end)
    this.edge.accept(end)
  }

  /** The process dies. */
  die(): void {
    this.edge.isDead = true
    this.#life.end()
  }
}
