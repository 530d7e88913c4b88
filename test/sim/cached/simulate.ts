/**
 * One simulated world of cached routes: zones that share paths and nothing else, clients that burst upon the same
 * resources, leave, read slowly, ask for parts; origins that go wrong, stores that are too small, purges. Then:
 *
 * - no client got a byte of another zone, path, variant, version or another's private answer, nor anything older than its
 *   origin allowed, or purged before it asked; what looks whole is whole (client.ts);
 * - in calm weather what can be shared is asked of the origin once for each variant;
 * - the store and the windows of what it does not take stay within their bounds, and no fill runs away from its readers;
 * - at rest nothing is left: no fill, no growing entry, and whatever checkRest looks for.
 */
import { CacheKey } from '../../../src/cache/key.ts'
import { rfcPolicy } from '../../../src/cache/policy.ts'
import type { Growing } from '../../../src/cache/growing.ts'
import { SharedCache } from '../../../src/cache/shared-cache.ts'
import { createCache } from '../../../src/handlers/cache.ts'
import { Edge, type Zone } from '../edge.ts'
import { checkRest, type SimulationResult } from '../simulate.ts'
import { SimWire } from '../wire.ts'
import { World } from '../world.ts'
import { CachedClient, type CachedRequest } from './client.ts'
import { CachedOrigin } from './origin.ts'
import { Resources, type Resource } from './resources.ts'

const firstPort = 9101
/** Longer than all deadlines of an exchange one after the other, and than a validation in the background may take. */
const overByMs = 1_000_000
const eventsMax = 600_000
/** A body of one buffer, which a hit writes at once. */
const writeBytesMax = 256 * 1024
/** What may come when the origin was told to stop: a read, and what had been read ahead of it. */
const readBytes = 2 * 64 * 1024
/** A small body, which is never let go of, or the block that something of the window is in; and a read. */
const slackBytes = writeBytesMax + readBytes

interface Climate {
  readonly isCalm: boolean
  /** Calm, and everything may be kept for longer than the world lasts. */
  readonly isSteady: boolean
  readonly originFaults: number
  readonly clientFaults: number
  readonly bytesMax: number
  readonly windowBytes: number
  readonly storeBytes: number
  readonly purges: boolean
}

function drawClimate({ random }: World): Climate {
  const isCalm = random.chance(0.5)
  const isSteady = isCalm && random.chance(0.5)
  return {
    isCalm,
    isSteady,
    originFaults: isCalm ? 0 : random.next() * 0.4,
    clientFaults: isCalm ? 0 : random.next() * 0.4,
    bytesMax: random.pick([100, 20_000, 300_000, 1_000_000]),
    windowBytes: random.pick([20_000, 70_000, 4_000_000]),
    storeBytes: isSteady ? 64_000_000 : random.pick([30_000, 300_000, 64_000_000]),
    purges: !isSteady && random.chance(0.3),
  }
}

export function simulateCached(
  seed: number,
  trace: ((line: string) => void) | null = null,
): SimulationResult {
  const world = new World(seed ^ 0x5ca1ab1e)
  world.trace = trace
  const { random } = world
  const climate = drawClimate(world)
  const wire = new SimWire(world, {
    kernelBytes: random.pick([8192, 65_536]),
    delayMsMax: random.pick([0.1, 2, 20]),
    chunkBytesMax: random.pick([200, 4096, 65_536]),
  })
  const resources = new Resources(random)
  const names = random.chance(0.5) ? ['one'] : ['one', 'two']
  resources.draw(names, climate.bytesMax, climate.isSteady)
  const caches: SharedCache[] = []
  const zones = names.map((name, i) => zoneOf(world, climate, name, firstPort + i, caches))
  names.forEach((zone, i) => {
    const habits = {
      zone,
      faults: climate.originFaults,
      thinkMsMax: random.pick([0, 40, 300]),
      gapMsMax: random.pick([0, 0, 30]),
      ranges: random.chance(0.7),
    }
    wire.listeners.set(firstPort + i, new CachedOrigin(world, resources, habits))
  })
  const edge = new Edge(world, wire, { ports: [firstPort], zones })
  const cache = caches[0] as SharedCache
  watch(world, cache, climate)
  if (climate.purges) purge(world, cache, resources)

  const clients = drawClients(world, wire, edge, resources, climate)
  for (const client of clients) client.go()
  world.run(overByMs, eventsMax)
  for (const client of clients) if (!client.isDone) world.fail('a client still waits')
  if (climate.isSteady) checkAsked(world, resources)
  checkCache(world, cache)

  edge.close()
  world.run(overByMs + 200_000, eventsMax * 2)
  cache.close()
  checkRest(world, wire, edge, writeBytesMax)
  const exchanges = clients.reduce((sum, client) => sum + client.answered, 0)
  return { seed, exchanges, failures: world.failures, faults: edge.ledger.faults }
}

/** The zones share one cache, as the routes of a worker do. */
function zoneOf(world: World, climate: Climate, name: string, port: number, caches: SharedCache[]): Zone {
  const { random } = world
  const drawn = random.pick(['auto', 'auto', 'finish', 'abort'] as const)
  // A part or a head alone leaves a fill deserted.
  const whenDeserted = climate.isSteady ? 'finish' : drawn
  return {
    name,
    ports: [port],
    steps: (timers) => {
      caches[0] ??= new SharedCache({
        clock: world,
        timers,
        peers: null,
        settings: { bytesMax: climate.storeBytes, entryBytesMax: 0, whenDeserted },
        fillLimits: {
          windowBytes: climate.windowBytes,
          rangeAheadBytesMax: climate.isSteady ? Infinity : climate.windowBytes,
          finishBytesMax: 5000,
          unsharedMs: 200,
        },
      })
      const key = new CacheKey('sim', name)
      const policy = { ...rfcPolicy, errorGraceMs: 0 }
      const options = { key, policy, folding: null, bypass: null, minUses: 1, purgeMethod: null }
      return [createCache({ ...options, slot: 0, statusName: 'sim' }, { clock: world, cache: caches[0] })]
    },
  }
}

function drawClients(
  world: World,
  wire: SimWire,
  edge: Edge,
  resources: Resources,
  climate: Climate,
): CachedClient[] {
  const { random } = world
  // Bursts: many ask for the same at about the same time.
  const bursts = Array.from({ length: random.between(1, 4) }, () => ({
    atMs: random.next() * 4000,
    resource: random.pick(resources.list),
  }))
  let number = 0
  const draw = (): CachedRequest => {
    const burst = random.pick(bursts)
    const resource = random.chance(0.8) ? burst.resource : random.pick(resources.list)
    const { bytesMax } = resource
    const first = random.between(0, bytesMax)
    return {
      number: ++number,
      resource,
      language: random.pick(['en', 'en', 'de', 'fr']),
      method: random.chance(0.1) ? 'HEAD' : 'GET',
      range: random.chance(0.15) ? [first, first + random.between(0, bytesMax)] : null,
      isConditional: random.chance(0.2),
      startMs: burst.atMs + random.next() * random.pick([1, 20, 400]),
      leaveMs: random.chance(climate.clientFaults) ? random.next() * 400 : -1,
    }
  }
  return Array.from({ length: random.between(2, 12) }, (_, c) => {
    const todo = Array.from({ length: random.between(1, 5) }, draw).sort((a, b) => a.startMs - b.startMs)
    const habits = {
      slowMsMax: random.pick([0, 0, 0, 60, 400, 4000]),
      isCalm: climate.isCalm && isRoomy(climate),
    }
    return new CachedClient(world, resources, habits, todo, () => {
      const [near, far] = wire.link('192.0.2.' + (c + 1), 40_000 + c)
      edge.accept(near)
      return far
    })
  })
}

/** Where a store takes everything nobody is cut for being slow. */
function isRoomy({ storeBytes, windowBytes, bytesMax }: Climate): boolean {
  return storeBytes >= 64_000_000 || windowBytes > bytesMax
}

function purge(world: World, cache: SharedCache, resources: Resources): void {
  const { random } = world
  for (let n = random.between(1, 4); n > 0; n--) {
    world.after(random.next() * 5000, () => {
      const resource = random.pick(resources.list)
      const isAll = random.chance(0.3)
      const kind = isAll ? ('all' as const) : ('url' as const)
      const target = { kind, host: 'sim.example', target: resource.path, site: 'sim' }
      void cache.purgeHere([{ target }])
      const concerned = (other: Resource): boolean => isAll || other.path === resource.path
      for (const other of resources.list) if (concerned(other)) other.purgedMs = world.nowMs()
    })
  }
}

/** Sees that no fill goes on while it is a window ahead of its fastest reader, but for what was on its way already. */
class PaceWatch {
  readonly #world: World
  readonly #windowBytes: number
  readonly #last: WeakMap<Growing, { length: number; isAhead: boolean; overrun: number }> = new WeakMap()

  constructor(world: World, windowBytes: number) {
    this.#world = world
    this.#windowBytes = windowBytes
  }

  look(growing: Growing): void {
    const { length } = growing.entry.body
    const isAhead = growing.aheadBytes > this.#windowBytes
    const last = this.#last.get(growing)
    const overrun = isAhead && last !== undefined && last.isAhead ? last.overrun + length - last.length : 0
    this.#last.set(growing, { length, isAhead, overrun })
    if (overrun > readBytes) this.#world.fail(`a fill went on for ${overrun} bytes ahead of all its readers`)
  }
}

/** The bounds that hold at every moment. */
function watch(world: World, cache: SharedCache, climate: Climate): void {
  const pace = new PaceWatch(world, climate.windowBytes)
  world.afterEvent.push(() => {
    const { fills } = cache
    if (fills.size === 0) return
    for (const { growing } of fills.underWay) if (growing !== null) pace.look(growing)
    if (world.eventsRun % 8 !== 0) return
    const { bytes, bytesMax } = cache.snapshot()
    if (bytes > bytesMax) world.fail(`the store holds ${bytes} of ${bytesMax} bytes`)
    const windows = fills.size * (climate.windowBytes + slackBytes)
    if (fills.heldBytes > windows) world.fail(`windows hold ${fills.heldBytes} of ${windows} bytes`)
  })
}

function checkAsked(world: World, resources: Resources): void {
  for (const [name, count] of resources.asked)
    if (count > 1) world.fail(`the origin was asked ${count} times for ${name}`)
}

function checkCache(world: World, cache: SharedCache): void {
  const { growing, growingBytes } = cache.snapshot()
  if (cache.fills.size > 0) world.fail(`${cache.fills.size} fills are left`)
  if (cache.fills.joinable > 0) world.fail(`${cache.fills.joinable} keys are left in the table of fills`)
  if (growing > 0 || growingBytes !== 0) world.fail(`${growing} entries of ${growingBytes} bytes still grow`)
}
