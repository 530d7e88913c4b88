/**
 * One simulated world: clients, the edge, origins, drawn from a seed and run until nothing moves any more; then the
 * invariants of the design are looked at. Empty `failures` means that they all held.
 *
 * - every exchange is finished once, and told of once;
 * - no byte of one message in another; what looks whole is whole;
 * - no request that may not be repeated reaches origins twice;
 * - in calm weather every request gets the answer that its origin gave;
 * - at rest nothing is left: no connection, no deadline, no exchange;
 * - what waits to be sent stays within its bound;
 * - no more connections are made to an origin than requests are under way at once.
 */
import { defaultLimits } from '../../src/http/limits.ts'
import { isIdempotent } from '../../src/http/message.ts'
import { keptMemory } from '../../src/net/kept-memory.ts'
import { ClientActor } from './client-actor.ts'
import { Edge } from './edge.ts'
import { H2ClientActor } from './h2-client-actor.ts'
import { H2OriginActor, type H2OriginHabits } from './h2-origin-actor.ts'
import { OriginActor } from './origin-actor.ts'
import { drawScript, newRecord, type Record, type Weather } from './script.ts'
import { SimWire } from './wire.ts'
import { World } from './world.ts'

export interface SimulationResult {
  readonly seed: number
  readonly exchanges: number
  readonly failures: readonly string[]
  readonly faults: ReadonlyMap<string, number>
}

const firstPort = 9001
/** Longer than all deadlines of an exchange one after the other. */
const overByMs = 120_000
const eventsMax = 400_000
/** Heads and ends of chunks are written whatever waits: this much at most. */
const headBytesMax = 4096

function drawWeather(world: World): Weather {
  const { random } = world
  const isCalm = random.chance(0.4)
  return {
    originFaults: isCalm ? 0 : random.next() * 0.4,
    clientFaults: isCalm ? 0 : random.next() * 0.3,
    upgrades: random.chance(0.5),
    bodyBytesMax: random.pick([100, 20_000, 150_000]),
  }
}

type Trace = ((line: string) => void) | null

export function simulate(seed: number, trace: Trace = null): SimulationResult {
  return simulateWith(seed, trace, drawClients)
}

/** A world whose clients speak HTTP/2. */
export function simulateH2(seed: number, trace: Trace = null): SimulationResult {
  return simulateWith(seed, trace, drawH2Clients)
}

/** A world whose origins speak HTTP/2, and whose clients the one or the other. */
export function simulateH2Origins(seed: number, trace: Trace = null): SimulationResult {
  return simulateWith(seed, trace, seed % 2 === 0 ? drawClients : drawH2Clients, true)
}

interface Client {
  readonly isDone: boolean
  go(): void
}

function simulateWith(
  seed: number,
  trace: Trace,
  draw: typeof drawClients | typeof drawH2Clients,
  hasH2Origins = false,
): SimulationResult {
  const world = new World(seed)
  world.trace = trace
  const { random } = world
  const weather = { ...drawWeather(world), ...(hasH2Origins ? { upgrades: false } : {}) }
  const isCalm = weather.originFaults === 0
  const wire = new SimWire(world, {
    kernelBytes: random.pick([512, 8192, 65_536]),
    delayMsMax: random.pick([0.1, 2, 20]),
    chunkBytesMax: random.pick([3, 200, 4096, 65_536]),
  })
  const records = new Map<number, Record>()
  const ports = Array.from({ length: random.between(1, 3) }, (_, i) => firstPort + i)
  const habits = { idleMs: isCalm ? 60_000 : random.between(50, 8000), slowMsMax: random.pick([0, 0, 50]) }
  const originAt = hasH2Origins
    ? drawH2Origin(world, records, { ...habits, isCalm })
    : () => new OriginActor(world, records, habits)
  const origins = ports.map(() => originAt())
  for (const [i, port] of ports.entries()) wire.listeners.set(port, origins[i] as OriginActor | H2OriginActor)
  const edge = new Edge(world, wire, { ports, originScheme: hasH2Origins ? 'h2c' : 'http' })
  if (!isCalm) disturb(world, wire, ports)

  const clients: Client[] = draw(world, wire, edge, records, weather)
  for (const client of clients) world.after(random.next() * 50, () => client.go())
  world.run(overByMs, eventsMax)
  for (const client of clients) if (!client.isDone) world.fail('a client still waits')
  checkRecords(world, records, isCalm)
  for (const origin of origins) if (origin instanceof H2OriginActor) checkConnections(world, edge, origin)

  edge.close()
  world.run(overByMs + 200_000, eventsMax * 2)
  checkRest(world, wire, edge)
  return { seed, exchanges: records.size, failures: world.failures, faults: edge.ledger.faults }
}

function drawClients(
  world: World,
  wire: SimWire,
  edge: Edge,
  records: Map<number, Record>,
  weather: Weather,
): ClientActor[] {
  const { random } = world
  const clients: ClientActor[] = []
  const count = random.between(1, 5)
  for (let c = 0; c < count; c++) {
    const todo: Record[] = []
    for (let n = random.between(1, 8); n > 0; n--) {
      const record = newRecord(drawScript(records.size + 1, random, weather))
      records.set(record.script.id, record)
      todo.push(record)
    }
    const habits = {
      pipelineMax: random.pick([1, 1, 4]),
      slowMsMax: random.pick([0, 0, 40]),
      pieceBytesMax: random.pick([1, 50, 5000]),
    }
    const connect = (): ReturnType<SimWire['link']>[0] => {
      const [near, far] = wire.link('192.0.2.' + (c + 1), 40_000 + c)
      edge.accept(near)
      return far
    }
    clients.push(new ClientActor(world, habits, todo, connect))
  }
  return clients
}

function drawH2Clients(
  world: World,
  wire: SimWire,
  edge: Edge,
  records: Map<number, Record>,
  weather: Weather,
): H2ClientActor[] {
  const { random } = world
  return Array.from({ length: random.between(1, 3) }, (_, c) => {
    const todo: Record[] = []
    for (let n = random.between(1, 12); n > 0; n--) {
      const script = { ...drawScript(records.size + 1, random, weather), http10: false }
      const record = newRecord(script)
      records.set(script.id, record)
      todo.push(record)
    }
    const habits = {
      streamsMax: random.pick([1, 4, 100]),
      slowMsMax: random.pick([0, 0, 40]),
      pieceBytesMax: random.pick([1, 50, 5000]),
      windowBytes: random.pick([700, 65_535, 1_000_000]),
    }
    return new H2ClientActor(world, habits, todo, () => {
      const [near, far] = wire.link('192.0.2.' + (c + 1), 40_000 + c)
      edge.accept(near, true)
      return far
    })
  })
}

function drawH2Origin(
  world: World,
  records: Map<number, Record>,
  rest: Pick<H2OriginHabits, 'isCalm' | 'idleMs' | 'slowMsMax'>,
): () => H2OriginActor {
  const { random } = world
  const habits = {
    ...rest,
    streamsMax: random.pick([1, 3, 100]),
    windowBytes: random.pick([700, 65_535, 1_000_000]),
    refusals: random.pick([0, 0.1, 0.3]),
  }
  const refused = new Set<number>()
  return () => new H2OriginActor(world, records, habits, refused)
}

/** Origins that go down and come back, addresses that swallow packets. */
function disturb(world: World, wire: SimWire, ports: readonly number[]): void {
  const { random } = world
  for (const port of ports) {
    if (!random.chance(0.4)) continue
    const actor = wire.listeners.get(port) ?? null
    const fromMs = random.next() * 500
    const swallows = random.chance(0.3)
    world.after(fromMs, () => (swallows ? wire.listeners.set(port, null) : wire.listeners.delete(port)))
    world.after(fromMs + random.next() * 3000, () => wire.listeners.set(port, actor))
  }
}

/** What a 100 takes at most from an origin to a client. */
const continueMsMax = 1000

function checkRecords(world: World, records: Map<number, Record>, isCalm: boolean): void {
  for (const record of records.values()) {
    const { script } = record
    const where = `${script.method} ${script.id}`
    if (!record.isOver) world.fail(`${where} is not over`)
    if (record.originHeads > 1 && !isIdempotent(script.method)) {
      world.fail(`${where} reached origins ${record.originHeads} times`)
    }
    const { fault, framing } = script.answer
    const broken = fault.endsWith('-mid') && record.isWhole && record.gotBytes < script.answer.bytes
    if (broken && !(fault === 'fin-mid' && framing === 'close') && record.gotBytes > 0) {
      world.fail(`${where} was cut and looks whole`)
    }
    if (!isCalm || (record.mayBeLost && record.originHeads === 0)) continue
    if (!record.isWhole || record.status !== script.answer.status) {
      world.fail(
        `${where}: ${record.status} instead of ${script.answer.status}, whole: ${record.isWhole} ${JSON.stringify(script)}`,
      )
    }
    if (record.originHeads !== 1)
      world.fail(`${where} reached origins ${record.originHeads} times in calm weather`)
    const isLate = record.gaveUpAtMs < record.saidContinueAtMs + continueMsMax
    if (script.expect && !script.answer.early && !record.gotContinue && !isLate)
      world.fail(`${where}: 100 was not passed on`)
    const expected = script.http10 ? 0 : script.answer.informational
    if (record.informational !== expected)
      world.fail(`${where}: ${record.informational} of ${expected} 1xx came`)
  }
}

/** A stream that has ended makes room for another, where nothing is sent again. One may be made while another becomes free. */
function checkConnections(world: World, edge: Edge, { habits, connections, left }: H2OriginActor): void {
  if (!habits.isCalm || habits.refusals > 0 || connections - left <= edge.runningPeak + 1) return
  world.fail(`${connections} connections were made for ${edge.runningPeak} requests at once, ${left} ended`)
}

/** `writeBytesMax`: what is written at once beside what was read. */
export function checkRest(world: World, wire: SimWire, edge: Edge, writeBytesMax = 0): void {
  const { engine, timers, ledger } = edge
  if (engine.begun !== engine.ended)
    world.fail(`${engine.begun} exchanges were begun and ${engine.ended} finished`)
  if (engine.running !== 0) world.fail(`${engine.running} exchanges still hold the plan`)
  if (ledger.finished + ledger.refused > engine.begun) world.fail('an exchange was told of twice')
  // What an origin does is never put down to ourselves.
  if (ledger.faults.has('internal')) world.fail(`${ledger.faults.get('internal')} faults were internal`)
  if (edge.connections.size > 0) world.fail(`${edge.connections.size} client connections are left`)
  if (wire.open.size > 0) world.fail(`${wire.open.size} ends of wires are left open`)
  if (timers.hanging > 0) world.fail(`${timers.hanging} deadlines are left`)
  const kept = keptMemory.bytes - edge.keptBefore
  if (kept !== 0) world.fail(`${kept} bytes are kept still`)
  // What waited, and at most one read more, with what had been read ahead before it; and heads.
  const { kernelBytes } = wire.options
  const bound =
    wire.highWaterBytes + defaultLimits.readAheadBytesMax + 2 * kernelBytes + headBytesMax + writeBytesMax
  if (wire.unsentBytesPeak > bound)
    world.fail(`${wire.unsentBytesPeak} bytes waited in one of our ends, ${bound} may`)
}
