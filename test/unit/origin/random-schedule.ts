/**
 * A proxy that does whatever a seed tells it to an origin, and after each event compares what the origin counts with
 * what it counts itself.
 */
import assert from 'node:assert/strict'
import { Faults, NONE, type Fault } from '../../../src/core/faults.ts'
import { nobody, WAIT, type Exchange, type Upstream } from '../../../src/http/exchange.ts'
import type { OriginOptions, OriginWaiter } from '../../../src/origin/origin.ts'
import { FakeResolver, settle, stage, type FakeConnection, type Stage } from './fakes.ts'
import type { Seeded } from './random.ts'

const connectFaults = [
  Faults.ORIGIN_REFUSED,
  Faults.ORIGIN_REFUSED,
  Faults.ORIGIN_UNREACHABLE,
  Faults.ORIGIN_CONNECT_TIMEOUT,
  Faults.EDGE_EXHAUSTED,
]
const answerFaults = [
  Faults.ORIGIN_CLOSED_EARLY,
  Faults.ORIGIN_FIRST_BYTE_TIMEOUT,
  Faults.ORIGIN_TRUNCATED,
  Faults.STATUS_LINE_BAD,
]
const hosts = ['10.1.0.1', '10.1.0.2', '10.1.0.3', 'fd00::1', 'fd00::2']

export class Schedule implements OriginWaiter {
  readonly #random: Seeded
  readonly #s: Stage
  readonly #tuning: Partial<OriginOptions>
  readonly #waiting = new Map<Exchange, number>()
  readonly #active = new Map<Exchange, FakeConnection>()
  readonly #isNamed: boolean
  readonly #isAnnounced: boolean
  opened = 0
  failed = 0

  constructor(random: Seeded) {
    this.#random = random
    this.#isNamed = random.chance(0.5)
    const servers = Array.from({ length: 1 + random.below(4) }, (_, i) => ({
      url: `http://10.0.0.${i + 1}:80`,
      weight: 1 + random.below(3),
    }))
    if (this.#isNamed) servers.push({ url: 'app.internal:81', weight: 2 })
    this.#tuning = {
      policy: random.chance(0.5) ? 'round-robin' : 'least-requests',
      connectionsMax: random.chance(0.3) ? 0 : 1 + random.below(6),
      connectingMax: 1 + random.below(5),
      waitingMax: 1 + random.below(30),
      waitMs: 500 + random.below(5000),
      idleMs: random.below(5000),
      knockMs: random.chance(0.3) ? 0 : 300 + random.below(1000),
    }
    this.#isAnnounced = random.chance(0.3)
    if (this.#isAnnounced) this.#tuning = { ...this.#tuning, proxyProtocol: 'v1' }
    const resolver = new FakeResolver()
    resolver.answers.set('app.internal', { addresses: this.#someHosts(), ttlMs: 1500 })
    this.#s = stage(servers, this.#tuning, resolver)
    if (random.chance(0.2)) this.#s.dial.streams = 1 + random.below(4)
  }

  #someHosts(): string[] {
    const list = hosts.filter(() => this.#random.chance(0.5))
    return list.length === 0 ? [hosts[0] as string] : list
  }

  async run(steps: number): Promise<void> {
    for (let i = 0; i < steps; i++) {
      this.#step()
      if (this.#isNamed && this.#random.chance(0.05)) await settle()
      this.#check(`step ${i}`)
    }
    await this.#comeToRest()
  }

  #step(): void {
    const random = this.#random
    const { dial, clock } = this.#s
    const kind = random.below(100)
    const dialled = random.one(dial.connecting)
    const busy = random.one([...this.#active.keys()])
    if (kind < 30) this.#open(this.#newExchange())
    else if (kind < 50) dialled?.connect()
    else if (kind < 58) dialled?.close(random.one(connectFaults) as Fault)
    else if (kind < 74) this.#end(busy)
    else if (kind < 80) this.#fault(busy)
    else if (kind < 84) this.#leave()
    else if (kind < 87) this.#closeIdle()
    else if (kind < 90) dial.turn()
    else if (kind < 98) clock.advance(random.below(300))
    else if (kind < 99) clock.freeze(random.below(6000))
    else this.#rename()
  }

  /** Of one of few clients, the first of whom has no address. */
  #newExchange(): Exchange {
    const x = this.#s.exchange()
    if (!this.#isAnnounced) return x
    const remoteAddress = this.#random.one(['', '192.0.2.1', '192.0.2.2', '192.0.2.3']) as string
    x.down = {
      ...nobody,
      remoteAddress,
      remotePort: 50_000 + this.#random.below(2),
      localAddress: '192.0.2.9',
    }
    x.clientAddress = remoteAddress
    return x
  }

  #open(x: Exchange): void {
    const { origin } = this.#s
    const { attempts } = x
    const triedBefore = x.tried.length
    const expected = origin.peek(x)
    const hasRoom = this.#hasRoom()
    const result = origin.open(x, this)
    if (typeof result !== 'number') {
      if (hasRoom) assert.equal(result.server, expected, 'peek and open agree')
      this.#begin(x, result as FakeConnection)
    } else if (result === WAIT) {
      assert.ok(!this.#waiting.has(x))
      this.#waiting.set(x, x.turn)
    } else {
      assert.equal(x.attempts, attempts)
      assert.equal(x.tried.length, triedBefore)
      return
    }
    assert.equal(x.attempts, attempts + 1)
    assert.equal(x.tried.length, triedBefore + 1)
    if (attempts > 0 && typeof result !== 'number') assert.fail('a further attempt got an idle connection')
  }

  /** No bound is met, so that nobody has to be passed by. */
  #hasRoom(): boolean {
    const { waiting, servers } = this.#s.origin.snapshot()
    const { connectionsMax = 0, waitingMax = 0 } = this.#tuning
    const isFull = connectionsMax > 0 && servers.some(({ connections }) => connections >= connectionsMax)
    return waiting < waitingMax && !isFull
  }

  #begin(x: Exchange, connection: FakeConnection): void {
    assert.ok(!this.#active.has(x))
    assert.equal(connection.state, 'open')
    assert.equal(connection.isDestroyed, false)
    assert.equal(connection.target.server, x.tried.at(-1))
    if (this.#isAnnounced) this.#checkAnnounced(x, connection)
    this.#active.set(x, connection)
    this.opened++
  }

  /** Whose connection it is was said when it was made. */
  #checkAnnounced(x: Exchange, connection: FakeConnection): void {
    const { remoteAddress, remotePort, localPort } = x.down
    const expected =
      remoteAddress === ''
        ? 'PROXY UNKNOWN\r\n'
        : `PROXY TCP4 ${remoteAddress} 192.0.2.9 ${remotePort} ${localPort}\r\n`
    assert.equal(connection.target.opening?.toString('latin1'), expected)
    if (remoteAddress === '') assert.equal(connection.servedCount, 1, 'of nobody known: for one request')
  }

  onOpened(x: Exchange, turn: number, upstream: Upstream): void {
    assert.equal(this.#waiting.get(x), turn, 'told once, with its own turn')
    this.#waiting.delete(x)
    this.#begin(x, upstream as FakeConnection)
    const what = this.#random.below(20)
    if (what === 0) this.#end(x)
    else if (what === 1) this.#cancel(x)
  }

  onOpenFailed(x: Exchange, turn: number, fault: Fault): void {
    assert.equal(this.#waiting.get(x), turn, 'told once, with its own turn')
    assert.notEqual(fault, NONE)
    this.#waiting.delete(x)
    this.failed++
    if (x.attempts < 4 && this.#random.chance(0.7)) this.#open(x)
  }

  #end(x: Exchange | undefined): void {
    const connection = x === undefined ? undefined : this.#active.get(x)
    if (x === undefined || connection === undefined) return
    this.#active.delete(x)
    if (this.#random.chance(0.8)) this.#s.origin.onAttemptSuccess(connection)
    if (this.#random.chance(0.1)) connection.keepAliveMs = this.#random.below(3000)
    if (connection.state === 'open') connection.release()
  }

  /** A connection dies: all whose streams it carried are told first. */
  #fault(x: Exchange | undefined): void {
    const connection = x === undefined ? undefined : this.#active.get(x)
    if (connection === undefined) return
    const fault = this.#random.one(answerFaults) as Fault
    for (const [each, its] of this.#active) {
      if (its !== connection) continue
      this.#active.delete(each)
      this.#s.origin.onAttemptFault(each, connection, fault)
      if (each.attempts < 3 && this.#random.chance(0.5)) this.#open(each)
    }
    connection.close(fault)
  }

  #cancel(x: Exchange): void {
    const connection = this.#active.get(x) as FakeConnection
    for (const [each, its] of this.#active) if (its === connection) this.#active.delete(each)
    connection.close(NONE)
  }

  #leave(): void {
    const waiting = this.#random.one([...this.#waiting.keys()])
    if (waiting === undefined) return
    this.#waiting.delete(waiting)
    if (this.#random.chance(0.8)) this.#s.origin.cancelWait(waiting)
    else waiting.reset()
  }

  #closeIdle(): void {
    const idle = [...this.#s.dial.open].filter(({ state, leases }) => state === 'open' && leases === 0)
    this.#random.one(idle)?.close(NONE)
  }

  #rename(): void {
    const answer = this.#random.chance(0.2)
      ? new Error('no answer')
      : { addresses: this.#someHosts(), ttlMs: 1500 }
    this.#s.resolver.answers.set('app.internal', answer)
  }

  #check(where: string): void {
    const { origin, dial } = this.#s
    const snapshot = origin.snapshot()
    const stale = snapshot.waiting - this.#waiting.size
    // An exchange that was reset without cancelling is found when its turn comes.
    assert.ok(stale >= 0, where)
    const { connectionsMax = 0, connectingMax = 0, waitingMax = 0 } = this.#tuning
    assert.ok(snapshot.waiting <= waitingMax, where)
    for (const server of snapshot.servers) {
      const leases = [...this.#active.values()].filter(
        ({ target }) => target.server.name === server.name,
      ).length
      assert.equal(server.inFlight, server.waiting + leases, `${where}: requests under way of ${server.name}`)
      const alive = [...dial.open].filter(
        ({ target, isDestroyed }) => target.server.name === server.name && !isDestroyed,
      )
      assert.equal(server.connections, alive.length, `${where}: connections of ${server.name}`)
      const connecting = alive.filter(({ state }) => state === 'connecting').length
      assert.equal(server.connecting, connecting, `${where}: connecting of ${server.name}`)
      assert.ok(connectionsMax === 0 || server.connections <= connectionsMax, where)
      assert.ok(connecting <= connectingMax, where)
      const hopeless = server.waiting > 0 && connecting === 0 && leases === 0 && server.addresses.length > 0
      assert.ok(!hopeless, `${where}: somebody waits for nothing`)
      const available = server.addresses.some(({ isAvailable }) => isAvailable)
      if (server.addresses.length > 0) assert.equal(server.isAvailable, available, where)
    }
    const waitingSum = snapshot.servers.reduce((sum, { waiting }) => sum + waiting, 0)
    assert.equal(waitingSum, snapshot.waiting, where)
  }

  async #comeToRest(): Promise<void> {
    const { origin, dial, clock, timers } = this.#s
    for (let round = 0; round < 200; round++) {
      for (const x of this.#active.keys()) this.#end(x)
      for (const connection of dial.connecting) if (connection.state === 'connecting') connection.connect()
      dial.turn()
      clock.advance(1000)
      if (this.#isNamed) await settle()
    }
    this.#check('at rest')
    assert.equal(this.#waiting.size, 0, 'everybody was told')
    assert.equal(dial.open.size, 0, 'no connection is left')
    assert.equal(timers.hanging, 0, 'nothing hangs in the wheel')
    for (const { inFlight, waiting } of origin.snapshot().servers)
      assert.deepEqual([inFlight, waiting], [0, 0])
    origin.close()
    assert.equal(clock.pending, 0, 'nothing is left to wake up')
  }
}
