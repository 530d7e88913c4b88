/**
 * One simulated world of a route whose answers are kept in slices: one to three workers, each a whole edge, over one disk
 * that keeps as few promises as it may; clients that ask for all kinds of ranges, origins whose versions change between two
 * slices or under one entity-tag, purges, evictions, deaths and losses of power. Then:
 *
 * - every byte that a client got is right, and of the version that its head named; what looks whole is whole (client.ts);
 * - nothing is found that was purged, once that was acknowledged, in memory or on disk, after any death;
 * - where nothing goes wrong, nobody gets anything older than what a client of any worker had the whole of;
 * - at rest no fill and no growing entry is left.
 */
import { PeerHub } from '../../../src/core/peer-hub.ts'
import type { PurgeTarget } from '../../../src/cache/store/purge-request.ts'
import type { SharedCache } from '../../../src/cache/shared-cache.ts'
import { CachedClient, type CachedRequest } from '../cached/client.ts'
import { CachedOrigin } from '../cached/origin.ts'
import { Resources, type Resource } from '../cached/resources.ts'
import { SimDisk } from '../sim-disk.ts'
import type { SimulationResult } from '../simulate.ts'
import { SimWire } from '../wire.ts'
import { World } from '../world.ts'
import { drawRange } from './ranges.ts'
import { SlicedWorker, type WorkerSettings } from './worker.ts'

const port = 9201
const zone = 'one'
const host = 'sim.example'
/** Clients and their origins are at work so long. */
const busyMs = 6000
/** Longer than all deadlines of an exchange one after the other. */
const overByMs = 200_000
const eventsMax = 400_000

export interface SlicedSimOptions {
  readonly trace?: ((line: string) => void) | null
  /** Something of the cache is not done. */
  readonly sabotage?: (cache: SharedCache) => void
}

interface Climate extends WorkerSettings {
  readonly workers: number
  readonly bytesMax: number
  readonly originFaults: number
  readonly clientFaults: number
  readonly failures: number
  readonly flips: number
  readonly isSmall: boolean
  readonly purges: number
  readonly restarts: number
  readonly evictions: number
}

function drawClimate({ random }: World): Climate {
  const bytesMax = random.pick([3000, 20_000, 100_000, random.chance(0.2) ? 1_200_000 : 60_000])
  return {
    port,
    zone,
    workers: random.chance(0.5) ? random.between(2, 3) : 1,
    bytesMax,
    sliceBytes: Math.max(50, Math.floor(bytesMax / random.pick([2, 3.3, 7, 15]))),
    windowBytes: random.pick([20_000, 4_000_000]),
    memoryBytesMax: random.pick([30_000, 300_000, 4_000_000, 4_000_000]),
    diskBytesMax: random.pick([100_000, 10_000_000, 10_000_000]),
    messageMsMax: random.pick([0, 5, 50]),
    originFaults: random.chance(0.6) ? 0 : random.next() * 0.2,
    clientFaults: random.chance(0.5) ? 0 : random.next() * 0.3,
    failures: random.chance(0.3) ? random.between(1, 10) : 0,
    flips: random.chance(0.15) ? 3 : 0,
    isSmall: random.chance(0.15),
    purges: random.chance(0.6) ? random.between(1, 6) : 0,
    restarts: random.chance(0.5) ? random.between(1, 3) : 0,
    evictions: random.chance(0.5) ? random.between(1, 6) : 0,
  }
}

export async function simulateSliced(
  seed: number,
  options: SlicedSimOptions = {},
): Promise<SimulationResult> {
  const sliced = new SlicedWorld(seed, options)
  await sliced.run()
  const { world, exchanges } = sliced
  return { seed, exchanges, failures: world.failures, faults: new Map() }
}

class SlicedWorld {
  readonly world: World
  readonly #options: SlicedSimOptions
  readonly #climate: Climate
  readonly #wire: SimWire
  readonly #disk: SimDisk
  readonly #resources: Resources
  readonly #clients: CachedClient[]
  #workers: SlicedWorker[] = []

  constructor(seed: number, options: SlicedSimOptions) {
    const world = (this.world = new World(seed ^ 0x0511ced))
    world.trace = options.trace ?? null
    this.#options = options
    const { random } = world
    const climate = (this.#climate = drawClimate(world))
    this.#wire = new SimWire(world, {
      kernelBytes: random.pick([8192, 65_536]),
      delayMsMax: random.pick([0.1, 2, 20]),
      chunkBytesMax: random.pick([4096, 65_536]),
    })
    const { failures, flips, isSmall } = climate
    this.#disk = new SimDisk({
      random,
      failures,
      flips,
      slow: random.chance(0.5) ? random.between(1, 60) : 0,
      isRemote: random.chance(0.3),
      ...(isSmall ? { bytesMax: random.between(20_000, 300_000) } : {}),
    })
    this.#resources = new Resources(random)
    this.#drawResources()
    // What goes by itself, or is not kept, is not shown in any order.
    const isOrdered =
      failures + flips + climate.originFaults + climate.clientFaults === 0 &&
      !isSmall &&
      climate.memoryBytesMax > 8 * climate.bytesMax &&
      climate.diskBytesMax > 1_000_000 &&
      this.#resources.list.every(({ isWeak, framing }) => !isWeak && framing === 'length')
    if (isOrdered) this.#resources.lastSeen = new Map()
    const habits = {
      zone,
      faults: climate.originFaults,
      thinkMsMax: random.pick([0, 40, 300]),
      gapMsMax: random.pick([0, 0, 30]),
      ranges: isOrdered || random.chance(0.9),
      ignoresIfRange: !isOrdered && random.chance(0.2),
      tellsEnds: random.chance(0.5),
    }
    this.#wire.listeners.set(port, new CachedOrigin(world, this.#resources, habits))
    this.#clients = this.#drawClients()
  }

  get exchanges(): number {
    return this.#clients.reduce((sum, client) => sum + client.answered, 0)
  }

  async run(): Promise<void> {
    const { world } = this
    const { random } = world
    this.#start()
    const { purges, restarts, evictions } = this.#climate
    const happens = (count: number, what: () => void): void => {
      for (let i = 0; i < count; i++) world.after(random.next() * busyMs, what)
    }
    happens(purges, () => this.#purge())
    happens(restarts, () => this.#restart())
    happens(evictions, () => this.#evict())
    for (const client of this.#clients) client.go()
    await world.runWithTurns(overByMs, eventsMax, () => random.between(0, 12))
    for (const client of this.#clients) if (!client.isDone) world.fail('a client still waits')
    for (const worker of this.#workers) this.#checkRest(worker)
    for (const worker of this.#workers) worker.cache.close()
    for (const worker of this.#workers) worker.die()
  }

  #checkRest({ edge, cache }: SlicedWorker): void {
    const { world } = this
    const { growing } = cache.snapshot()
    if (cache.fills.size > 0) world.fail(`${cache.fills.size} fills are left`)
    if (cache.fills.joinable > 0) world.fail(`${cache.fills.joinable} keys are left in the table of fills`)
    if (growing > 0) world.fail(`${growing} entries still grow`)
    if (edge.engine.begun !== edge.engine.ended)
      world.fail(`${edge.engine.begun} exchanges were begun and ${edge.engine.ended} finished`)
    if (edge.ledger.faults.has('internal')) world.fail('a fault was internal')
  }

  // The workers

  #start(): void {
    const { workers } = this.#climate
    const hub = workers === 1 ? null : new PeerHub()
    for (let i = 0; i < workers; i++) {
      const worker = new SlicedWorker(this.world, this.#wire, this.#disk, hub, this.#climate)
      this.#options.sabotage?.(worker.cache)
      this.#workers.push(worker)
    }
  }

  /** All die, and others begin at once. */
  #restart(): void {
    const isPowerLost = this.world.random.chance(0.6)
    for (const worker of this.#workers.splice(0)) worker.die()
    if (isPowerLost) this.#disk.losePower()
    else this.#disk.kill()
    this.#resources.lastSeen?.clear()
    this.#start()
  }

  #pick(): SharedCache {
    return this.world.random.pick(this.#workers).cache
  }

  #evict(): void {
    const { random } = this.world
    const { store, disk } = this.#pick()
    const { memoryBytesMax } = this.#climate
    if (random.chance(0.6)) {
      store.resize(0)
      store.resize(memoryBytesMax)
    } else if (random.chance(0.5)) void disk?.keeper?.sweep(0).catch(() => {})
    else void disk?.journal.rewrite().catch(() => {})
  }

  #purge(): void {
    const { world } = this
    const { random } = world
    const { list } = this.#resources
    const { path } = random.pick(list)
    const targets: PurgeTarget[] = [
      { kind: 'url', host, target: path },
      { kind: 'url', host, target: path, site: 'sim' },
      { kind: 'prefix', host, target: path.slice(0, random.between(1, 3)) },
      { kind: 'host', host },
      { kind: 'all' },
    ]
    const target = random.pick(targets)
    const isSoft = random.chance(0.25)
    const isEdit = !isSoft && random.chance(0.6)
    const isUrl = target.kind === 'url'
    // What may be given while it is validated may be given after a soft one.
    const concerned = list.filter(
      (one) => (!isUrl || one.path === path) && !(isSoft && one.keeping === 'graceful'),
    )
    const purges = concerned.map((resource) => {
      if (isEdit) resource.edition++
      const purge = { issuedMs: world.nowMs(), ackedMs: Infinity, isEdit }
      resource.purges.push(purge)
      return purge
    })
    void this.#pick()
      .purge([{ target, isSoft }])
      .then(({ missing }) => {
        // What happens at the same moment may have come before.
        if (missing === 0) for (const purge of purges) purge.ackedMs = world.nowMs() + 0.001
      })
  }

  // Origins and clients

  #drawResources(): void {
    const { random } = this.world
    const { bytesMax } = this.#climate
    for (let i = random.between(1, 3); i > 0; i--)
      this.#resources.list.push({
        zone,
        path: `/r/${i}`,
        keeping: random.pick([
          'public',
          'public',
          'public',
          'short',
          'graceful',
          'validated',
          'private',
        ] as const),
        varies: random.chance(0.25),
        periodMs: random.chance(0.3) ? Infinity : random.between(300, 4000),
        isEven: random.chance(0.6),
        isWeak: random.chance(0.05),
        bytesMax: random.chance(0.7) ? bytesMax : random.between(1, bytesMax),
        framing: random.chance(0.95) ? 'length' : 'chunked',
        purges: [],
        edition: 0,
      })
  }

  #drawClients(): CachedClient[] {
    const { world } = this
    const { random } = world
    let number = 0
    const draw = (): CachedRequest => {
      const resource: Resource = random.pick(this.#resources.list)
      const method = random.chance(0.05) ? 'HEAD' : 'GET'
      return {
        number: ++number,
        resource,
        language: random.pick(['en', 'en', 'de']),
        method,
        content: '',
        range: method === 'GET' ? drawRange(random, resource.bytesMax) : '',
        isConditional: random.chance(0.1),
        isOfThat: random.chance(0.2),
        startMs: random.next() * busyMs,
        leaveMs: random.chance(this.#climate.clientFaults) ? random.next() * 400 : -1,
      }
    }
    return Array.from({ length: random.between(2, 6) }, (_, c) => {
      const todo = Array.from({ length: random.between(2, 8) }, draw)
      todo.sort((a, b) => a.startMs - b.startMs)
      const habits = { slowMsMax: random.pick([0, 0, 60, 400]), isCalm: false, isSliced: true }
      return new CachedClient(world, this.#resources, habits, todo, () => {
        const [near, far] = this.#wire.link('192.0.2.' + (c + 1), 40_000 + c)
        random.pick(this.#workers).accept(near)
        return far
      })
    })
  }
}
