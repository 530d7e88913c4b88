/**
 * A simulated client of HTTP/2: has several requests under way at once on one connection, opens its windows fast, slowly or by
 * crumbs, takes requests back midway when its script says so, and checks every byte that it is given against the script of the
 * exchange that its stream belongs to.
 */
import { clientPreface, FrameType } from '../../src/h2/frames.ts'
import { settingsPayload } from '../../src/h2/settings.ts'
import { greetingBytes } from './client-actor.ts'
import { FrameCodec, frameOf, uint32Of } from './h2-frames.ts'
import { mismatch, pattern } from './pattern.ts'
import { isBodiless, type Record } from './script.ts'
import type { SimTransport } from './wire.ts'
import type { World } from './world.ts'

export interface H2Habits {
  /** Requests under way at once. */
  readonly streamsMax: number
  readonly slowMsMax: number
  readonly pieceBytesMax: number
  /** Its streams' first window. */
  readonly windowBytes: number
}

const tunnelBytes = 5000
const crumbBytes = 100
const none = Buffer.alloc(0)

interface Stream {
  readonly id: number
  readonly record: Record
  /** What the edge lets it send. */
  window: number
  isFromOrigin: boolean
  isTunnel: boolean
  tunnelGot: number
  tunnelSent: number
  /** Bytes taken, and not given back yet. */
  taken: number
  /** Goes on with the body. */
  go: (() => void) | null
  mayContinue: (() => void) | null
}

export class H2ClientActor {
  readonly #world: World
  readonly #habits: H2Habits
  readonly #connect: () => SimTransport
  readonly #todo: Record[]
  readonly #streams = new Map<number, Stream>()
  #transport: SimTransport | null = null
  #codec: FrameCodec | null = null
  #nextId = 1
  #window = 65_535
  #firstWindow = 65_535
  #isLeaving = false
  #outbox: Buffer = none

  constructor(world: World, habits: H2Habits, todo: Record[], connect: () => SimTransport) {
    this.#world = world
    this.#habits = habits
    this.#todo = todo
    this.#connect = connect
  }

  get isDone(): boolean {
    return this.#todo.length === 0 && this.#streams.size === 0
  }

  go(): void {
    if (this.isDone) {
      if (this.#transport !== null && this.#world.random.chance(0.7)) this.#transport.destroy()
      return
    }
    if (this.#transport !== null && this.#isLeaving) return
    while (this.#todo.length > 0 && this.#streams.size < this.#habits.streamsMax) {
      if (this.#transport === null) this.#open()
      this.#send(this.#todo.shift() as Record)
    }
  }

  #open(): void {
    const transport = this.#connect()
    this.#transport = transport
    this.#isLeaving = false
    this.#nextId = 1
    this.#window = this.#firstWindow = 65_535
    this.#outbox = none
    transport.events = this
    this.#codec = new FrameCodec({
      onHeaders: (id, fields, ends) => this.#onHeaders(id, fields, ends),
      onFrame: (type, flags, id, payload) => this.#onFrame(type, flags, id, payload),
      onBad: (reason) => this.#world.fail(`client was sent ${reason}`),
    })
    this.#say(clientPreface)
    this.#say(frameOf(FrameType.SETTINGS, 0, 0, settingsPayload([4, this.#habits.windowBytes])))
  }

  // Sending

  /** Bytes leave in pieces, in order, now and then with a pause between. */
  #say(bytes: Buffer): void {
    const isIdle = this.#outbox.length === 0
    this.#outbox = Buffer.concat([this.#outbox, bytes])
    if (isIdle) this.#flush(this.#transport)
  }

  #flush(transport: SimTransport | null): void {
    if (transport === null || transport !== this.#transport || !transport.isOpen) return
    const { random } = this.#world
    const all = this.#outbox.length
    const count = random.chance(0.5) ? all : Math.min(all, random.between(1, this.#habits.pieceBytesMax))
    transport.writeBytes(this.#outbox, 0, count)
    this.#outbox = this.#outbox.subarray(count)
    if (this.#outbox.length === 0) return
    const rest = this.#outbox
    this.#world.after(random.chance(0.7) ? 0 : random.next() * 5, () => {
      if (this.#outbox.length >= rest.length) this.#flush(transport)
    })
  }

  #send(record: Record): void {
    const { script } = record
    const id = this.#nextId
    this.#nextId += 2
    const stream: Stream = {
      id,
      record,
      window: this.#firstWindow,
      isFromOrigin: false,
      isTunnel: false,
      tunnelGot: 0,
      tunnelSent: greetingBytes,
      taken: 0,
      go: null,
      mayContinue: null,
    }
    this.#streams.set(id, stream)
    const list: [string, string][] = [
      [':method', script.upgrade ? 'CONNECT' : script.method],
      ...(script.upgrade ? [[':protocol', 'sim'] as [string, string]] : []),
      [':scheme', 'http'],
      [':path', `/x/${script.id}`],
      [':authority', 'sim.example'],
      ['x-sim', String(script.id)],
      ['x-kept', `kept-${script.id}`],
    ]
    const hasBody = script.requestChunked || script.requestBytes > 0
    if (script.acceptsTrailers) list.push(['te', 'trailers'])
    if (hasBody && !script.requestChunked) list.push(['content-length', String(script.requestBytes)])
    if (script.expect) list.push(['expect', '100-continue'])
    if (script.leaveMs >= 0) this.#leaveLater(stream)
    if (!hasBody) record.sentAll = true
    this.#say((this.#codec as FrameCodec).headers(id, list, !hasBody && !script.upgrade))
    if (!hasBody) return
    if (script.expect) this.#waitToContinue(stream)
    else this.#sendBody(stream, 0)
  }

  #waitToContinue(stream: Stream): void {
    const go = (): void => {
      if (stream.mayContinue === null) return
      stream.mayContinue = null
      this.#sendBody(stream, 0)
    }
    stream.mayContinue = go
    this.#world.after(1500, () => {
      if (stream.mayContinue === null) return
      stream.record.gaveUpAtMs = this.#world.nowMs()
      go()
    })
  }

  #sendBody(stream: Stream, from: number): void {
    const { record } = stream
    const { script } = record
    if (this.#streams.get(stream.id) !== stream || record.hasLeft) return
    const room = Math.min(stream.window, this.#window)
    const to = Math.min(script.requestBytes, from + Math.min(room, this.#world.random.between(1, 6000)))
    if (to === from && from < script.requestBytes) {
      stream.go = () => this.#sendBody(stream, from)
      return
    }
    const isLast = to === script.requestBytes
    const hasTrailers = script.requestTrailers && script.requestChunked
    stream.window -= to - from
    this.#window -= to - from
    if (isLast) record.sentAll = true
    this.#say(
      frameOf(FrameType.DATA, isLast && !hasTrailers ? 1 : 0, stream.id, pattern(script.id, from, to)),
    )
    if (isLast && hasTrailers)
      this.#say((this.#codec as FrameCodec).headers(stream.id, [['x-end', `end-${script.id}`]], true))
    if (isLast) return
    const pauseMs = this.#world.random.chance(0.6) ? 0 : this.#world.random.next() * 20
    this.#world.after(pauseMs, () => this.#sendBody(stream, to))
  }

  #leaveLater(stream: Stream): void {
    const transport = this.#transport as SimTransport
    const { record } = stream
    this.#world.after(record.script.leaveMs, () => {
      if (record.isOver || !transport.isOpen || this.#transport !== transport) return
      record.hasLeft = true
      if (record.script.leaveBy === 'reset') return transport.reset()
      this.#say(frameOf(FrameType.RST_STREAM, 0, stream.id, uint32Of(8)))
      this.#over(stream)
    })
  }

  // What comes back

  onBytes(buffer: Buffer, start: number, end: number): void {
    this.#codec?.feed(Buffer.from(buffer.subarray(start, end)))
    const transport = this.#transport
    if (this.#habits.slowMsMax > 0 && transport !== null && this.#world.random.chance(0.2)) {
      transport.pause()
      this.#world.after(this.#world.random.next() * this.#habits.slowMsMax, () => transport.resume())
    }
  }

  onDrain(): void {}

  onEnd(): void {
    this.#transport?.end()
    this.#transport?.resume()
  }

  onClose(): void {
    this.#transport = null
    for (const stream of this.#streams.values()) stream.record.isOver = true
    this.#streams.clear()
    this.#world.after(1, () => this.go())
  }

  #over(stream: Stream): void {
    stream.record.isOver = true
    this.#streams.delete(stream.id)
    this.#world.after(0, () => this.go())
  }

  #onFrame(type: number, flags: number, id: number, payload: Buffer): void {
    const stream = this.#streams.get(id)
    switch (type) {
      case FrameType.SETTINGS:
        if ((flags & 1) === 0) this.#say(frameOf(FrameType.SETTINGS, 1, 0, none))
        return
      case FrameType.PING:
        if ((flags & 1) === 0) this.#say(frameOf(FrameType.PING, 1, 0, payload))
        return
      case FrameType.GOAWAY:
        this.#isLeaving = true
        if (payload.readUInt32BE(4) !== 0) this.#world.fail(`GOAWAY with ${payload.readUInt32BE(4)}`)
        return
      case FrameType.WINDOW_UPDATE:
        return this.#onWindow(id, payload.readUInt32BE(0))
      case FrameType.RST_STREAM:
        if (stream !== undefined) this.#over(stream)
        return
      case FrameType.DATA:
        if (stream !== undefined) this.#onData(stream, payload, (flags & 1) !== 0)
        else if (payload.length > 0) this.#openConnection(payload.length)
    }
  }

  #onWindow(id: number, bytes: number): void {
    const stream = this.#streams.get(id)
    if (id === 0) this.#window += bytes
    else if (stream !== undefined) stream.window += bytes
    for (const waiting of this.#streams.values()) {
      const { go } = waiting
      waiting.go = null
      go?.()
    }
  }

  /** Gives the connection's window back, also for streams that were given up. */
  #openConnection(bytes: number): void {
    this.#say(frameOf(FrameType.WINDOW_UPDATE, 0, 0, uint32Of(bytes)))
  }

  #onHeaders(id: number, fields: Map<string, string>, ends: boolean): void {
    const stream = this.#streams.get(id)
    if (stream === undefined) return
    const { record } = stream
    const { script } = record
    const text = fields.get(':status')
    if (text === undefined) return this.#onEnd(stream, fields)
    const status = Number(text)
    if (status === 100) {
      if (!script.expect) this.#world.fail(`100 that was not asked for (${script.id})`)
      record.gotContinue = true
      return stream.mayContinue?.()
    }
    if (status < 200) {
      record.informational++
      return
    }
    record.status = status
    if (script.upgrade && status === 200) return this.#onUpgrade(stream)
    const from = fields.get('x-sim')
    stream.isFromOrigin = from !== undefined
    if (from !== undefined && Number(from) !== script.id)
      this.#world.fail(`answer ${from} was given to request ${script.id}`)
    for (const name of ['server', 'x-hop', 'connection', 'transfer-encoding', 'keep-alive'])
      if (fields.has(name)) this.#world.fail(`${name} reached the client (${script.id})`)
    if (ends) this.#onEnd(stream, new Map())
  }

  #onUpgrade(stream: Stream): void {
    stream.isTunnel = true
    stream.record.status = 101
    this.#sendTunnel(stream)
  }

  #sendTunnel(stream: Stream): void {
    if (this.#streams.get(stream.id) !== stream) return
    const to = Math.min(tunnelBytes, stream.tunnelSent + this.#world.random.between(1, 2000))
    this.#say(frameOf(FrameType.DATA, 0, stream.id, pattern(stream.record.script.id, stream.tunnelSent, to)))
    stream.window -= to - stream.tunnelSent
    this.#window -= to - stream.tunnelSent
    stream.tunnelSent = to
    if (to < tunnelBytes) this.#world.after(this.#world.random.next() * 5, () => this.#sendTunnel(stream))
  }

  #onData(stream: Stream, bytes: Buffer, ends: boolean): void {
    const { record } = stream
    const at = stream.isTunnel ? stream.tunnelGot : record.gotBytes
    if (stream.isTunnel || stream.isFromOrigin) {
      const wrong = mismatch(record.script.id, at, bytes)
      if (wrong >= 0) this.#world.fail(`byte ${wrong} of answer ${record.script.id} is wrong`)
      if (stream.isTunnel) stream.tunnelGot += bytes.length
      else record.gotBytes += bytes.length
    }
    if (bytes.length > 0) this.#giveBack(stream, bytes.length, ends)
    if (stream.isTunnel) this.#onEcho(stream, ends)
    else if (ends) this.#onEnd(stream, new Map())
  }

  /** Opens the windows again, at once or after a while, and not for a few bytes alone. */
  #giveBack(stream: Stream, more: number, ends: boolean): void {
    stream.taken += more
    if (stream.taken < crumbBytes && !ends) return
    const bytes = stream.taken
    stream.taken = 0
    const transport = this.#transport
    const { random } = this.#world
    const delayMs =
      this.#habits.slowMsMax === 0 || random.chance(0.5) ? 0 : random.next() * this.#habits.slowMsMax
    this.#world.after(delayMs, () => {
      if (this.#transport !== transport || transport === null) return
      this.#openConnection(bytes)
      if (!ends && this.#streams.get(stream.id) === stream)
        this.#say(frameOf(FrameType.WINDOW_UPDATE, 0, stream.id, uint32Of(bytes)))
    })
  }

  #onEcho(stream: Stream, ends: boolean): void {
    if (stream.tunnelGot === tunnelBytes) {
      stream.record.isWhole = true
      const isGentle = this.#world.random.chance(0.5)
      if (isGentle) this.#say(frameOf(FrameType.DATA, 1, stream.id, none))
      else this.#say(frameOf(FrameType.RST_STREAM, 0, stream.id, uint32Of(8)))
      this.#over(stream)
    } else if (ends) this.#over(stream)
  }

  #onEnd(stream: Stream, trailers: Map<string, string>): void {
    const { record } = stream
    const { script } = record
    const { answer } = script
    if (stream.isTunnel) return this.#over(stream)
    if (stream.isFromOrigin) {
      record.isWhole = true
      const expected = isBodiless(script) ? 0 : answer.bytes
      const endsByFin = answer.fault === 'fin-mid' && answer.framing === 'close'
      if (record.gotBytes !== expected && !endsByFin)
        this.#world.fail(`answer ${script.id} looks whole with ${record.gotBytes} of ${expected} bytes`)
      const wants = answer.trailers && answer.framing === 'chunked' && !isBodiless(script)
      if (wants && trailers.get('x-end') !== `end-${script.id}` && script.acceptsTrailers)
        this.#world.fail(`trailer of answer ${script.id} lost`)
    }
    this.#over(stream)
  }
}
