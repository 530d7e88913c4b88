/**
 * The two roles against each other: our client's connection talks to our server's, over a wire that splits and stalls
 * as a seed says. Whatever it does, each body comes back as it went out, and the connection serves on.
 */
import type { DialTarget } from '../../src/http/dial.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DateText } from '../../src/core/clock.ts'
import { faultRow, type Fault } from '../../src/core/faults.ts'
import { Timers } from '../../src/core/timers.ts'
import { H1Dial } from '../../src/h1/client.ts'
import { serveH1 } from '../../src/h1/server.ts'
import type { BodySink, BodySource, BodyStream } from '../../src/http/body.ts'
import type { Exchange, Upstream, UpstreamReceiver } from '../../src/http/exchange.ts'
import type { Fields } from '../../src/http/fields.ts'
import { defaultLimits } from '../../src/http/limits.ts'
import { makeRequest, NotingOwner } from './h1-origin-world.ts'
import { ManualClock } from './manual-clock.ts'
import { answerHead, ScriptedServe } from './scripted-serve.ts'
import { Wire } from './wire.ts'

/** Numbers below `n`, the same for the same seed. */
function seeded(seed: number): (n: number) => number {
  let state = seed * 2_654_435_761 + 12_345
  return (n) => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 3_266_489_917) >>> 0
    return Math.floor((state / 4_294_967_296) * n)
  }
}

/** Work that is put off, so that sources are resumed later, and not from inside a write. */
type Later = (() => void)[]

/** The serving side: sends a body back as it comes. */
class Echo implements BodySink, BodySource {
  readonly #x: Exchange
  readonly #random: (n: number) => number
  readonly #later: Later
  readonly #isByLength: boolean
  #isBegun = false
  #gone = false

  constructor(x: Exchange, random: (n: number) => number, later: Later) {
    this.#x = x
    this.#random = random
    this.#later = later
    this.#isByLength = x.request.bodyLength >= 0 && random(2) === 0
    x.source = this
  }

  #begin(): void {
    if (this.#isBegun) return
    this.#isBegun = true
    answerHead(this.#x, 200, this.#isByLength ? this.#x.request.bodyLength : -1)
  }

  write(buffer: Buffer, start: number, end: number): boolean {
    this.#begin()
    const flows = this.#x.down.write(buffer, start, end)
    // Sometimes it is full for no reason.
    if (flows && this.#random(5) === 0) {
      this.#later.push(() => this.resume())
      return false
    }
    return flows
  }

  resume(): void {
    if (!this.#gone) this.#x.body.resume()
  }

  cancel(): void {}

  end(trailers: Fields | null): void {
    this.#begin()
    this.#gone = true
    this.#x.down.end(trailers)
  }

  abort(fault: Fault): void {
    assert.fail(faultRow(fault).name)
  }
}

/** The asking side: sends a body in pieces, and takes what comes back. */
class Asker implements UpstreamReceiver, BodyStream {
  readonly x: Exchange = makeRequest('POST')
  received = ''
  ended = 0
  readonly #text: string
  #at = 0
  readonly #random: (n: number) => number
  readonly #later: Later

  constructor(text: string, isChunked: boolean, random: (n: number) => number, later: Later) {
    this.#text = text
    this.#random = random
    this.#later = later
    this.x.request.bodyLength = isChunked ? -1 : text.length
    if (text.length > 0 || isChunked) this.x.body.begin(this, isChunked ? -1 : text.length, false)
  }

  resume(): void {
    this.#later.push(() => this.#push())
  }

  #push(): void {
    const { body } = this.x
    while (!body.isFinished) {
      if (this.#at === this.#text.length) return body.finish(null)
      const piece = Buffer.from(this.#text.slice(this.#at, this.#at + 1 + this.#random(5000)), 'latin1')
      this.#at += piece.length
      if (!body.push(piece, 0, piece.length)) return
    }
  }

  cancel(): void {}
  sendContinue(): void {}
  onInformational(): void {}
  onHead(): void {}

  onBody(_x: Exchange, upstream: Upstream, buffer: Buffer, start: number, end: number): boolean {
    this.received += buffer.toString('latin1', start, end)
    if (this.#random(4) !== 0) return true
    this.#later.push(() => upstream.resume())
    return false
  }

  onEnd(): void {
    this.ended++
  }

  onFault(_x: Exchange, _upstream: Upstream, fault: Fault): void {
    assert.fail(faultRow(fault).name)
  }
}

function run(seed: number): void {
  const random = seeded(seed)
  const clock = new ManualClock()
  const timers = new Timers(clock)
  const wire = new Wire()
  const later: Later = []
  const serve = new ScriptedServe()
  const owner = new NotingOwner()
  let closed = 0
  serve.onServe = (x) => {
    const echo = new Echo(x, random, later)
    if (x.body.isComplete) echo.end(null)
    else if (random(2) === 0) x.body.attach(echo)
    else later.push(() => x.body.attach(echo))
  }
  wire.accept = (far) => {
    const limits = { ...defaultLimits, readAheadBytesMax: 1 + random(20_000) }
    serveH1(far, { serve, timers, limits, dateText: new DateText(clock), onClosed: () => void closed++ })
  }
  const dial = new H1Dial({ connector: wire, timers, limits: defaultLimits })
  const target: DialTarget = {
    server: { name: 'a' },
    address: { host: '192.0.2.1', port: 80, path: '' },
    protocol: 'http/1.1',
    addressText: '192.0.2.1:80',
    connectMs: 1000,
  }
  const connection = dial.dial(target, owner)
  for (const end of wire.ends) {
    end.splitBytes = [20 + random(50), 1 + random(5000), Infinity][random(3)] as number
    end.kernelBytes = 500 + random(30_000)
    end.unsentBytesHigh = 1 + random(20_000)
  }
  wire.run()
  for (let i = 0; i < 5; i++) {
    const length = [0, random(10), random(3000), random(60_000)][random(4)] as number
    const text = String.fromCharCode(...Array.from({ length: 60 }, () => 33 + random(90)))
      .repeat(1 + length / 60)
      .slice(0, length)
    const asker = new Asker(text, random(2) === 0, random, later)
    connection.lease(asker.x).send(asker.x, asker)
    for (let rounds = 0; asker.ended === 0; rounds++) {
      assert.ok(rounds < 20_000, `seed ${seed}: it stands still`)
      wire.run()
      for (const work of later.splice(random(later.length), 1 + random(2))) work()
    }
    for (; later.length > 0; wire.run()) later.shift()?.()
    assert.equal(asker.received.length, text.length, `seed ${seed}`)
    assert.equal(asker.received, text, `seed ${seed}`)
    assert.equal(connection.freeStreams, 1, `seed ${seed}`)
  }
  connection.destroy()
  wire.run()
  clock.advance(0)
  assert.equal(serve.open.size, 0)
  assert.equal(closed, 1)
  assert.equal(owner.log.at(-1), 'closed none')
  assert.equal(timers.hanging, 0)
}

test('both roles understand each other, however the wire splits and stalls', () => {
  for (let seed = 1; seed <= 60; seed++) run(seed)
})
