/**
 * The half of a simulated origin's connection that reads: requests are checked and queued, windows given back and moved, and the
 * edge is held to the rules: its bounds, its windows, no stream under GOAWAY.
 */
import { clientPreface, ErrorCode, FrameType, uint31Max } from '../../src/h2/frames.ts'
import { Setting, settingsPayload } from '../../src/h2/settings.ts'
import { FrameCodec, frameOf, uint32Of } from './h2-frames.ts'
import type { H2OriginActor } from './h2-origin-actor.ts'
import { checkHead } from './h2-origin-head.ts'
import { mismatch } from './pattern.ts'
import type { Record } from './script.ts'
import type { SimTransport } from './wire.ts'
import type { World } from './world.ts'

const none = Buffer.alloc(0)
const ack = 1
export const endStream = 1
const goawayPing = Buffer.from('seen it?')
/** Longer than anybody waits for it. */
const frozenMs = 100_000

export interface Stream {
  readonly id: number
  readonly record: Record
  /** What the edge may send, and what it has sent since it was given more. */
  receiveWindow: number
  taken: number
  sendWindow: number
  bodyBytes: number
  isProcessed: boolean
  isRequestWhole: boolean
  isAnswering: boolean
  hasAnswered: boolean
}

export abstract class H2OriginReading {
  protected readonly origin: H2OriginActor
  protected readonly transport: SimTransport
  protected readonly codec: FrameCodec
  protected readonly streams = new Map<number, Stream>()
  /** Bodies that wait for a window, or for the wire. */
  protected waiting: (() => void)[] = []
  #prefaceLeft = clientPreface.length
  #lastId = 0
  protected sendWindow = 65_535
  #receiveWindow = 65_535
  #firstSendWindow = 65_535
  #firstReceiveWindow: number
  /** Of a change of the first window that takes something away, once the edge has seen it. */
  #windowChange = 0
  #settingsUnseen = 0
  /** What may not be said yet. */
  #unsaid: Buffer[] | null = []
  #isIdle = false
  #isLeaving = false
  /** The edge has seen that no stream may follow. */
  #isLeavingKnown = false
  #lastServedId = uint31Max
  protected isFrozen = false
  #idleTurn = 0

  /** Looks at a request; `expects`: it waits for 100. */
  protected abstract process(stream: Stream, expects: boolean): void
  /** The request is whole. */
  protected abstract goOnWith(stream: Stream): void

  constructor(origin: H2OriginActor, transport: SimTransport) {
    this.origin = origin
    this.transport = transport
    const { world, habits } = origin
    this.#firstReceiveWindow = habits.windowBytes
    this.codec = new FrameCodec({
      onHeaders: (id, fields, ends) => this.#onHeaders(id, fields, ends),
      onFrame: (type, flags, id, payload) => this.#onFrame(type, flags, id, payload),
      onBad: (reason) => world.fail(`origin was sent ${reason}`),
    })
    const { random } = world
    const settings = [
      Setting.MAX_CONCURRENT_STREAMS,
      habits.streamsMax,
      Setting.INITIAL_WINDOW_SIZE,
      habits.windowBytes,
    ]
    // The edge must wait for it: it may not know otherwise what it may do.
    world.after(random.chance(0.5) ? 0 : random.next() * 30, () => this.#greet(settingsPayload(settings)))
    if (!habits.isCalm && random.chance(habits.refusals / 3))
      world.after(random.next() * 300, () => this.#freeze())
  }

  protected get world(): World {
    return this.origin.world
  }

  protected say(bytes: Buffer): boolean {
    if (this.#unsaid !== null) return this.#unsaid.push(bytes) > 0
    return this.isFrozen || this.transport.writeBytes(bytes, 0, bytes.length)
  }

  /** SETTINGS come before all else (RFC 9113 §3.4). */
  #greet(settings: Buffer): void {
    const { world, habits } = this.origin
    const { random } = world
    const unsaid = this.#unsaid ?? []
    this.#unsaid = null
    this.#settingsUnseen++
    this.say(frameOf(FrameType.SETTINGS, 0, 0, settings))
    for (const bytes of unsaid) this.say(bytes)
    if (random.chance(habits.refusals)) world.after(random.next() * 300, () => this.leave())
    if (random.chance(0.3)) world.after(random.next() * 100, () => this.#moveWindows())
    this.#armIdle()
  }

  // Habits

  #armIdle(): void {
    const turn = ++this.#idleTurn
    this.world.after(this.origin.habits.idleMs, () => {
      if (turn !== this.#idleTurn || this.streams.size > 0 || !this.transport.isOpen) return
      this.#isIdle = true
      if (this.origin.habits.isCalm) this.leave()
      else this.transport.destroy()
    })
  }

  /** It neither reads nor writes any more, and tells nobody. */
  #freeze(): void {
    this.isFrozen = true
    this.transport.pause()
    // What the edge has given up is noticed by nobody who does not read.
    this.world.after(frozenMs, () => this.transport.destroy())
  }

  /** Another first window for all streams, now and then below what they have used (RFC 9113 §6.9.2). */
  #moveWindows(): void {
    if (this.#settingsUnseen > 0 || this.isFrozen) return
    const bytes = this.world.random.pick([0, 300, 5000, 100_000])
    const change = bytes - this.#firstReceiveWindow
    if (change >= 0) this.#changeWindows(change)
    else this.#windowChange = change
    this.#firstReceiveWindow = bytes
    this.#settingsUnseen++
    this.say(frameOf(FrameType.SETTINGS, 0, 0, settingsPayload([Setting.INITIAL_WINDOW_SIZE, bytes])))
    // None may stand still for good.
    if (bytes === 0) this.world.after(20, () => this.#openAll())
  }

  #changeWindows(change: number): void {
    for (const stream of this.streams.values()) stream.receiveWindow += change
  }

  #openAll(): void {
    for (const stream of this.streams.values()) this.#giveBack(stream, 0)
    if (this.#firstReceiveWindow === 0 && this.transport.isOpen) this.world.after(20, () => this.#openAll())
  }

  /** First that no stream may follow, and once that is known which of them were looked at (RFC 9113 §6.8). */
  protected leave(): void {
    if (this.#isLeaving || this.isFrozen || !this.transport.isOpen) return
    this.#isLeaving = true
    if (!this.#isIdle) this.origin.left++
    if (!this.origin.habits.isCalm && this.world.random.chance(0.5)) return this.#endLeaving()
    this.say(frameOf(FrameType.GOAWAY, 0, 0, Buffer.concat([uint32Of(uint31Max), uint32Of(0)])))
    this.say(frameOf(FrameType.PING, 0, 0, goawayPing))
  }

  #endLeaving(): void {
    const unseen = [...this.streams.values()].filter(
      (stream) => !stream.isProcessed && stream.id > this.#lastProcessedId(),
    )
    const drops = unseen.every((stream) => this.origin.mayRefuse(stream.record))
    this.#lastServedId = drops ? this.#lastProcessedId() : this.#lastId
    if (drops) for (const stream of unseen) this.#forgetUnseen(stream)
    this.say(frameOf(FrameType.GOAWAY, 0, 0, Buffer.concat([uint32Of(this.#lastServedId), uint32Of(0)])))
    this.#closeIfLeft()
  }

  #lastProcessedId(): number {
    let last = 0
    for (const stream of this.streams.values()) if (stream.isProcessed && stream.id > last) last = stream.id
    return Math.max(last, this.#lastOverId)
  }

  #lastOverId = 0

  #forgetUnseen(stream: Stream): void {
    this.origin.refused.add(stream.record.script.id)
    this.streams.delete(stream.id)
  }

  #closeIfLeft(): void {
    if (!this.#isLeaving || this.#lastServedId === uint31Max || this.streams.size > 0) return
    // The edge may close first; else we do, later.
    this.world.after(this.world.random.next() * 500, () => this.transport.end())
  }

  // What comes

  onBytes(buffer: Buffer, start: number, end: number): void {
    if (this.isFrozen) return
    const from = start + Math.min(this.#prefaceLeft, end - start)
    const at = clientPreface.length - this.#prefaceLeft
    if (clientPreface.compare(buffer, start, from, at, at + from - start) !== 0)
      this.world.fail('origin was sent another preface')
    this.#prefaceLeft -= from - start
    this.#idleTurn++
    if (from < end) this.codec.feed(Buffer.from(buffer.subarray(from, end)))
    const { habits } = this.origin
    const { random } = this.world
    if (habits.slowMsMax > 0 && random.chance(0.1)) {
      this.transport.pause()
      this.world.after(random.next() * habits.slowMsMax, () => {
        if (!this.isFrozen) this.transport.resume()
      })
    }
    if (this.streams.size === 0) this.#armIdle()
  }

  onDrain(): void {
    this.#goOn()
  }

  onEnd(): void {
    this.transport.end()
  }

  onClose(): void {
    this.#idleTurn++
    this.streams.clear()
    this.waiting = []
  }

  #goOn(): void {
    const waiting = this.waiting
    this.waiting = []
    for (const go of waiting) go()
  }

  #onFrame(type: number, flags: number, id: number, payload: Buffer): void {
    const stream = this.streams.get(id)
    switch (type) {
      case FrameType.SETTINGS:
        if ((flags & ack) !== 0) return this.#onSettingsSeen()
        return void this.say(frameOf(FrameType.SETTINGS, ack, 0, none))
      case FrameType.PING:
        if ((flags & ack) === 0) this.say(frameOf(FrameType.PING, ack, 0, payload))
        else if (payload.equals(goawayPing)) {
          this.#isLeavingKnown = true
          this.#endLeaving()
        }
        return
      case FrameType.GOAWAY: {
        const code = payload.readUInt32BE(4)
        if (code !== 0 && this.origin.habits.isCalm) this.world.fail(`origin was sent GOAWAY with ${code}`)
        return
      }
      case FrameType.WINDOW_UPDATE:
        if (id === 0) this.sendWindow += payload.readUInt32BE(0)
        else if (stream !== undefined) stream.sendWindow += payload.readUInt32BE(0)
        return this.#goOn()
      case FrameType.RST_STREAM:
        if (stream !== undefined) this.over(stream)
        return
      case FrameType.DATA:
        this.#onData(id, stream, payload, (flags & endStream) !== 0)
    }
  }

  #onSettingsSeen(): void {
    this.#settingsUnseen--
    this.#changeWindows(this.#windowChange)
    this.#windowChange = 0
  }

  #onHeaders(id: number, fields: Map<string, string>, ends: boolean): void {
    const open = this.streams.get(id)
    if (open !== undefined) return this.#onTrailers(open, fields, ends)
    if (id % 2 === 0 || id <= this.#lastId) {
      // Trailers of one that was given up on the way.
      if (id <= this.#lastId && !fields.has(':method')) return
      return this.world.fail(`stream ${id} was opened after ${this.#lastId}`)
    }
    this.#lastId = id
    if (this.#isLeavingKnown) this.world.fail('a stream was opened under GOAWAY')
    const record = this.origin.records.get(Number(fields.get('x-sim')))
    if (record === undefined) return this.world.fail('origin got a request that nobody sent')
    checkHead(this.world, fields, record)
    if (id > this.#lastServedId) return void this.origin.refused.add(record.script.id)
    const { streamsMax, refusals } = this.origin.habits
    if (this.streams.size >= streamsMax)
      this.world.fail(`${this.streams.size} streams are open, and one more`)
    if (this.world.random.chance(refusals) && this.origin.mayRefuse(record)) {
      this.origin.refused.add(record.script.id)
      return this.reset(id, ErrorCode.REFUSED_STREAM)
    }
    const receiveWindow = this.#firstReceiveWindow - this.#windowChange
    const stream: Stream = {
      id,
      record,
      receiveWindow,
      taken: 0,
      sendWindow: this.#firstSendWindow,
      bodyBytes: 0,
      isProcessed: false,
      isRequestWhole: ends,
      isAnswering: false,
      hasAnswered: false,
    }
    this.streams.set(id, stream)
    if (ends) this.#checkWhole(stream)
    const waitMs = this.world.random.chance(0.6) ? 0 : this.world.random.next() * 30
    this.world.after(waitMs, () => this.process(stream, fields.get('expect') === '100-continue'))
  }

  #onTrailers(stream: Stream, fields: Map<string, string>, ends: boolean): void {
    const { script } = stream.record
    if (!ends) this.world.fail(`a second head came (${script.id})`)
    if (fields.get('x-end') !== `end-${script.id}`)
      this.world.fail(`trailer of request ${script.id} is wrong`)
    this.#requestWhole(stream)
  }

  #onData(id: number, stream: Stream | undefined, bytes: Buffer, ends: boolean): void {
    this.#receiveWindow -= bytes.length
    if (this.#receiveWindow < 0) this.world.fail("the connection's window was overrun")
    if (stream === undefined) {
      if (id > this.#lastId) this.world.fail(`DATA came on stream ${id}, which is idle`)
      return this.#giveBackConnection(bytes.length)
    }
    const { script } = stream.record
    stream.receiveWindow -= bytes.length
    if (bytes.length > 0 && stream.receiveWindow < 0) this.world.fail(`a window was overrun (${script.id})`)
    const wrong = mismatch(script.id, stream.bodyBytes, bytes)
    if (wrong >= 0) this.world.fail(`byte ${wrong} of request ${script.id} is wrong at the origin`)
    stream.bodyBytes += bytes.length
    if (ends) this.#requestWhole(stream)
    const { random } = this.world
    const { slowMsMax } = this.origin.habits
    const delayMs = slowMsMax === 0 || random.chance(0.5) ? 0 : random.next() * slowMsMax
    this.world.after(delayMs, () => {
      this.#giveBackConnection(bytes.length)
      if (this.streams.get(id) === stream) this.#giveBack(stream, bytes.length)
    })
  }

  #giveBackConnection(bytes: number): void {
    if (bytes === 0) return
    this.#receiveWindow += bytes
    this.say(frameOf(FrameType.WINDOW_UPDATE, 0, 0, uint32Of(bytes)))
  }

  #giveBack(stream: Stream, more: number): void {
    stream.taken += more
    const wants = this.#firstReceiveWindow === 0 ? Math.max(stream.taken, 2000) : stream.taken
    if (stream.isRequestWhole || (wants < 200 && stream.receiveWindow > 0) || wants === 0) return
    stream.taken = 0
    stream.receiveWindow += wants
    this.say(frameOf(FrameType.WINDOW_UPDATE, 0, stream.id, uint32Of(wants)))
  }

  #checkWhole({ record, bodyBytes }: Stream): void {
    const { script } = record
    if (bodyBytes !== script.requestBytes)
      this.world.fail(`request ${script.id} looks whole with ${bodyBytes} of ${script.requestBytes} bytes`)
    record.originWholeBodies++
  }

  #requestWhole(stream: Stream): void {
    stream.isRequestWhole = true
    this.#checkWhole(stream)
    if (stream.isProcessed) this.goOnWith(stream)
  }

  protected over(stream: Stream): void {
    if (stream.isProcessed) this.#lastOverId = Math.max(this.#lastOverId, stream.id)
    this.streams.delete(stream.id)
    if (this.streams.size === 0) this.#armIdle()
    this.#closeIfLeft()
  }

  protected reset(id: number, code: ErrorCode): void {
    this.say(frameOf(FrameType.RST_STREAM, 0, id, uint32Of(code)))
    const stream = this.streams.get(id)
    if (stream !== undefined) this.over(stream)
  }
}
