/**
 * One simulated world of cached routes: zones that share paths and nothing else, clients that burst upon the same
 * resources, leave, read slowly, ask for parts or by QUERY; slices, a warm-up; origins that go wrong, stores that are too small, purges. Then:
 *
 * - no client got a byte of another zone, path, variant, query, version or another's private answer, nor anything older than its
 *   origin allowed, or purged before it asked; what looks whole is whole (client.ts);
 * - in calm weather what can be shared is asked of the origin once for each variant;
 * - the store and the windows of what it does not take stay within their bounds, and no fill runs away from its readers;
 * - at rest nothing is left: no fill, no growing entry, and whatever checkRest looks for.
 */
import { CacheKey } from '../../../src/cache/keys/key.ts'
import { rfcPolicy } from '../../../src/cache/rules/policy.ts'
import type { Growing } from '../../../src/cache/fill/growing.ts'
import { SharedCache } from '../../../src/cache/shared-cache.ts'
import { createCache } from '../../../src/handlers/cache.ts'
import { defaultLimits } from '../../../src/http/limits.ts'
import { Warming } from '../../../src/server/warming.ts'
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
/** More than one buffer, of which nothing is let go of. */
const crowdedBytes = 600_000
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
  /** 0: answers are kept whole. */
  readonly sliceBytes: number
  readonly purges: boolean
  /** Many at once for what no store holds, and some of them slow: who falls behind gets the rest by Range. */
  readonly isCrowd: boolean
}

function drawClimate({ random }: World): Climate {
  const isCalm = random.chance(0.5)
  const isSteady = isCalm && random.chance(0.5)
  const isCrowd = !isCalm && random.chance(0.2)
  const bytesMax = isCrowd ? crowdedBytes : random.pick([100, 20_000, 300_000, 1_000_000])
  const sliceBytes = Math.max(50, Math.floor(bytesMax / random.pick([2, 3.3, 7])))
  return {
    isCalm,
    isSteady,
    originFaults: isCalm ? 0 : random.next() * 0.4,
    clientFaults: isCalm ? 0 : random.next() * 0.4,
    bytesMax,
    windowBytes: isCrowd ? 20_000 : random.pick([20_000, 70_000, 4_000_000]),
    storeBytes: isSteady ? 64_000_000 : isCrowd ? 30_000 : random.pick([30_000, 300_000, 64_000_000]),
    sliceBytes: isCrowd || random.chance(0.6) ? 0 : sliceBytes,
    purges: !isSteady && random.chance(0.3),
    isCrowd,
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
  resources.draw(names, climate.bytesMax, climate.isSteady ? 'steady' : climate.isCrowd ? 'crowded' : 'mixed')
  const caches: SharedCache[] = []
  const zones = names.map((name, i) => zoneOf(world, climate, name, firstPort + i, caches))
  names.forEach((zone, i) => {
    const habits = {
      zone,
      faults: climate.originFaults,
      thinkMsMax: random.pick([0, 40, 300]),
      gapMsMax: random.pick([0, 0, 30]),
      ranges: climate.isCrowd || random.chance(0.7),
      ignoresIfRange: random.chance(climate.isCrowd ? 0.5 : 0.2),
      tellsEnds: random.chance(0.5),
    }
    wire.listeners.set(firstPort + i, new CachedOrigin(world, resources, habits))
  })
  const edge = new Edge(world, wire, { ports: [firstPort], zones })
  const cache = caches[0] as SharedCache
  watch(world, cache, climate)
  if (climate.purges) purge(world, cache, resources)
  const warming = random.chance(0.2) ? warm(world, edge, resources) : null

  const clients = drawClients(world, wire, edge, resources, climate)
  for (const client of clients) client.go()
  world.run(overByMs, eventsMax)
  for (const client of clients) if (!client.isDone) world.fail('a client still waits')
  if (warming?.progress().isRunning === true) world.fail('the warm-up still goes on')
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
      const policy = { ...rfcPolicy, errorGraceMs: 0, storesQuery: true }
      const { sliceBytes } = climate
      const options = { key, policy, folding: null, bypass: null, minUses: 1, sliceBytes, purgeMethod: null }
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
    const method = random.chance(0.1) ? 'HEAD' : random.chance(0.1) ? 'QUERY' : 'GET'
    const isQuery = method === 'QUERY'
    return {
      number: ++number,
      resource,
      language: random.pick(['en', 'en', 'de', 'fr']),
      method,
      content: isQuery ? random.pick(['one', 'two']) : '',
      range: !isQuery && random.chance(0.15) ? `bytes=${first}-${first + random.between(0, bytesMax)}` : '',
      isConditional: !isQuery && random.chance(0.2),
      startMs: burst.atMs + random.next() * random.pick([1, 20, 400]),
      leaveMs: random.chance(climate.clientFaults) ? random.next() * 400 : -1,
    }
  }
  return Array.from({ length: random.between(2, 12) }, (_, c) => {
    const todo = Array.from({ length: random.between(1, 5) }, draw).sort((a, b) => a.startMs - b.startMs)
    const habits = {
      slowMsMax: random.pick(climate.isCrowd ? [0, 0, 2000] : [0, 0, 0, 60, 400, 4000]),
      isCalm: climate.isCalm && isRoomy(climate),
      isSliced: climate.sliceBytes > 0,
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
      const nowMs = world.nowMs()
      for (const other of resources.list)
        if (concerned(other)) other.purges.push({ issuedMs: nowMs, ackedMs: nowMs, isEdit: false })
    })
  }
}

/** The operator has the cache filled meanwhile, and may change his mind. */
function warm(world: World, edge: Edge, resources: Resources): Warming {
  const { random } = world
  const warming = new Warming({ serve: edge.engine, clock: world, limits: () => defaultLimits })
  const { zone } = random.pick(resources.list)
  // Nobody's request has this number: what is for this one alone must reach no client.
  const fields = { 'X-Zone': zone, 'X-Request': '1000000', 'Accept-Language': random.pick(['en', 'de']) }
  const urls = resources.list
    .filter((one) => one.zone === zone)
    .map(({ path }) => `http://sim.example${path}`)
  world.after(random.next() * 3000, () =>
    warming.act({
      action: 'start',
      urls,
      sitemaps: [],
      concurrency: random.between(1, 3),
      fields: Object.entries(fields).map(([name, value]) => ({ name, value })),
    }),
  )
  if (random.chance(0.3)) world.after(random.next() * 5000, () => warming.stop())
  return warming
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
