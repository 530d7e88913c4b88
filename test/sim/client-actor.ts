/**
 * A simulated client: sends its requests in pieces, pipelined or one by one, reads fast or slowly, leaves midway when
 * its script says so, and checks every byte that it is given against the script of the exchange it belongs to.
 */
import { mismatch, pattern } from './pattern.ts'
import { MessageReader, type SimHead } from './reader.ts'
import { isBodiless, type Record } from './script.ts'
import type { SimTransport } from './wire.ts'
import type { World } from './world.ts'

export interface ClientHabits {
  /** Requests sent ahead of their answers. */
  readonly pipelineMax: number
  readonly slowMsMax: number
  /** Splits what it sends into pieces of at most this size. */
  readonly pieceBytesMax: number
}

/** The origin greets with the first bytes, right behind its 101, and echoes what it is sent. */
export const greetingBytes = 20
const tunnelBytes = 5000

/** May it stand in a pipeline: no body, no upgrade, and the connection goes on behind it? */
function isPlain({ script }: Record): boolean {
  return script.requestBytes === 0 && !script.requestChunked && !script.http10 && !script.upgrade
}

export class ClientActor {
  readonly #world: World
  readonly #habits: ClientHabits
  readonly #connect: () => SimTransport
  readonly #todo: Record[]
  readonly #waiting: Record[] = []
  #transport: SimTransport | null = null
  #reader: MessageReader | null = null
  #isFromOrigin = false
  #isSending = false
  #mayContinue: (() => void) | null = null
  #drained: (() => void) | null = null
  #closeAnnounced = false
  /** An answer of this connection came before its request was whole: the edge may close without a word. */
  #hadEarlyAnswer = false
  #tunnelGot = 0
  #isTunnel = false

  constructor(world: World, habits: ClientHabits, todo: Record[], connect: () => SimTransport) {
    this.#world = world
    this.#habits = habits
    this.#todo = todo
    this.#connect = connect
  }

  get isDone(): boolean {
    return this.#todo.length === 0 && this.#waiting.length === 0
  }

  go(): void {
    if (this.#todo.length === 0) {
      // Finished: closes now, or stays to be closed by the edge's idle deadline.
      if (this.#transport !== null && this.#waiting.length === 0 && this.#world.random.chance(0.7))
        this.#transport.destroy()
      return
    }
    if (this.#isSending) return
    // The connection is about to close: the next request goes on another.
    if (this.#transport !== null && this.#closeAnnounced) return
    if (this.#transport === null) this.#open()
    if (this.#waiting.length > 0 && !this.#mayPipeline()) return
    const record = this.#todo.shift() as Record
    this.#waiting.push(record)
    this.#send(record)
  }

  #mayPipeline(): boolean {
    if (this.#closeAnnounced || this.#waiting.length >= this.#habits.pipelineMax) return false
    return this.#waiting.every(isPlain) && isPlain(this.#todo[0] as Record)
  }

  #open(): void {
    const transport = this.#connect()
    this.#transport = transport
    this.#closeAnnounced = this.#hadEarlyAnswer = false
    this.#isTunnel = false
    this.#reader = new MessageReader('response', {
      onHead: (head) => this.#onHead(head),
      onBody: (bytes) => this.#onBody(bytes),
      onEnd: (trailers) => this.#onAnswerEnd(trailers),
      onBad: (reason) => this.#world.fail(`client was sent a bad answer: ${reason}`),
    })
    transport.events = this
  }

  #send(record: Record): void {
    const { script } = record
    if (script.http10) this.#closeAnnounced = true
    record.mayBeLost = this.#hadEarlyAnswer
    this.#reader?.methods.push(script.method)
    const lines = [`${script.method} /x/${script.id} HTTP/1.${script.http10 ? 0 : 1}`, 'Host: sim.example']
    lines.push(`X-Sim: ${script.id}`, `X-Kept:  kept-${script.id} `, 'X-Hop: secret')
    const nominated = ['x-hop']
    if (script.acceptsTrailers) {
      lines.push('TE: trailers')
      nominated.push('te')
    }
    if (script.upgrade) {
      lines.push('Upgrade: sim')
      nominated.push('upgrade')
    }
    lines.push(`Connection: ${nominated.join(', ')}`)
    if (script.requestChunked) lines.push('Transfer-Encoding: chunked')
    else if (script.method === 'POST' || script.method === 'PUT')
      lines.push(`Content-Length: ${script.requestBytes}`)
    if (script.expect) lines.push('Expect: 100-continue')
    this.#isSending = true
    const sender = this.#transport
    if (script.leaveMs >= 0) this.#leaveLater(record)
    const head = Buffer.from(lines.join('\r\n') + '\r\n\r\n')
    const hasBody = script.requestChunked || script.requestBytes > 0
    if (!hasBody) record.sentAll = true
    this.#pieces(head, () => {
      if (!hasBody) return this.#sent(record)
      if (!script.expect) return this.#sendBody(record, 0)
      let isSent = false
      const go = (): void => {
        if (isSent || this.#transport !== sender) return
        isSent = true
        this.#mayContinue = null
        this.#sendBody(record, 0)
      }
      this.#mayContinue = go
      // RFC 9110 §10.1.1: a client does not wait for ever.
      this.#world.after(1500, () => {
        if (this.#mayContinue !== go) return
        record.gaveUpAtMs = this.#world.nowMs()
        go()
      })
    })
  }

  #sent(record: Record): void {
    record.sentAll = true
    this.#isSending = false
    this.#world.after(this.#world.random.chance(0.5) ? 0 : 10, () => this.go())
  }

  #sendBody(record: Record, from: number): void {
    const { script } = record
    const transport = this.#transport
    if (transport === null || !transport.isOpen) return
    // What is still to be sent belongs to this connection, and is forgotten with it.
    const onSame = (step: () => void) => (): void => {
      if (this.#transport === transport) step()
    }
    const to = Math.min(script.requestBytes, from + this.#world.random.between(1, 6000))
    const bytes = pattern(script.id, from, to)
    let wire = bytes
    if (script.requestChunked) {
      const last = to === script.requestBytes
      const trailer = script.requestTrailers ? `X-End: end-${script.id}\r\n` : ''
      const size = bytes.length > 0 ? bytes.length.toString(16) + '\r\n' : ''
      wire = Buffer.concat([
        Buffer.from(size),
        bytes,
        Buffer.from((bytes.length > 0 ? '\r\n' : '') + (last ? `0\r\n${trailer}\r\n` : '')),
      ])
    }
    if (to === script.requestBytes) record.sentAll = true
    this.#pieces(wire, () => {
      if (to === script.requestBytes) return this.#sent(record)
      this.#world.after(
        this.#world.random.chance(0.6) ? 0 : this.#world.random.next() * 20,
        onSame(() => this.#sendBody(record, to)),
      )
    })
  }

  /** Writes `bytes` in pieces, now and then with a pause between. */
  #pieces(bytes: Buffer, then: () => void, transport: SimTransport | null = this.#transport): void {
    // The rest of what was for one connection is never sent on another.
    if (transport === null || transport !== this.#transport || !transport.isOpen) return
    const { random } = this.#world
    const count = random.chance(0.5)
      ? bytes.length
      : Math.min(bytes.length, random.between(1, this.#habits.pieceBytesMax))
    const goOn = transport.writeBytes(bytes, 0, count)
    const next = (): void => {
      if (transport !== this.#transport) return
      if (count === bytes.length) then()
      else this.#pieces(bytes.subarray(count), then, transport)
    }
    if (goOn) this.#world.after(random.chance(0.7) ? 0 : random.next() * 5, next)
    else this.#drained = next
  }

  #leaveLater(record: Record): void {
    const transport = this.#transport as SimTransport
    this.#world.after(record.script.leaveMs, () => {
      if (record.isOver || !transport.isOpen) return
      record.hasLeft = true
      if (record.script.leaveBy === 'reset') transport.reset()
      else if (record.script.leaveBy === 'destroy') transport.destroy()
      else transport.end()
    })
  }

  // What comes back

  onBytes(buffer: Buffer, start: number, end: number): void {
    const { random } = this.#world
    const bytes = Buffer.from(buffer.subarray(start, end))
    if (this.#isTunnel) this.#onEcho(bytes)
    else this.#reader?.feed(bytes)
    const transport = this.#transport
    if (this.#habits.slowMsMax > 0 && transport !== null && random.chance(0.2)) {
      transport.pause()
      this.#world.after(random.next() * this.#habits.slowMsMax, () => transport.resume())
    }
  }

  onDrain(): void {
    const next = this.#drained
    this.#drained = null
    next?.()
  }

  onEnd(): void {
    this.#reader?.finish()
    this.#transport?.end()
    this.#transport?.resume()
  }

  onClose(): void {
    this.#transport = null
    this.#drained = null
    this.#mayContinue = null
    this.#isSending = false
    // What waits behind is not answered any more; it is not sent again.
    for (const record of this.#waiting) record.isOver = true
    this.#waiting.length = 0
    this.#world.after(1, () => this.go())
  }

  #onHead(head: SimHead): void {
    const record = this.#waiting[0]
    if (record === undefined) return this.#world.fail(`an answer to nothing: ${head.startLine}`)
    const { script } = record
    const status = Number(head.startLine.slice(9, 12))
    if (status === 100) {
      if (!script.expect) this.#world.fail(`100 that was not asked for (${script.id})`)
      record.gotContinue = true
      return this.#mayContinue?.()
    }
    if (status < 200 && status !== 101) {
      record.informational++
      if (script.http10) this.#world.fail(`1xx to HTTP/1.0 (${script.id})`)
      return
    }
    record.status = status
    this.#mayContinue?.()
    if (/\bclose\b/.test(head.fields.get('connection') ?? '')) this.#closeAnnounced = true
    if (status === 101) return this.#onUpgrade(record)
    const id = head.fields.get('x-sim')
    this.#isFromOrigin = id !== undefined
    if (id !== undefined && Number(id) !== script.id)
      this.#world.fail(`answer ${id} was given to request ${script.id}`)
    if (head.fields.has('server')) this.#world.fail(`Server reached the client (${script.id})`)
    if (head.fields.has('x-hop')) this.#world.fail(`a nominated field reached the client (${script.id})`)
  }

  #onUpgrade(record: Record): void {
    if (!record.script.upgrade) return this.#world.fail(`101 that was not asked for (${record.script.id})`)
    this.#isTunnel = true
    this.#tunnelGot = 0
    this.#reader?.goOpaque()
    const bytes = pattern(record.script.id, greetingBytes, tunnelBytes)
    this.#pieces(bytes, () => {})
  }

  #onEcho(bytes: Buffer): void {
    const record = this.#waiting[0]
    if (record === undefined) return
    const wrong = mismatch(record.script.id, this.#tunnelGot, bytes)
    if (wrong >= 0) this.#world.fail(`byte ${wrong} of tunnel ${record.script.id} is wrong`)
    this.#tunnelGot += bytes.length
    if (this.#tunnelGot < tunnelBytes) return
    record.isWhole = record.isOver = true
    if (this.#world.random.chance(0.5)) this.#transport?.end()
    else this.#transport?.destroy()
  }

  #onBody(bytes: Buffer): void {
    if (this.#isTunnel) return this.#onEcho(bytes)
    const record = this.#waiting[0]
    if (record === undefined || !this.#isFromOrigin) return
    const wrong = mismatch(record.script.id, record.gotBytes, bytes)
    if (wrong >= 0) this.#world.fail(`byte ${wrong} of answer ${record.script.id} is wrong`)
    record.gotBytes += bytes.length
  }

  #onAnswerEnd(trailers: Map<string, string>): void {
    const record = this.#waiting[0]
    if (record === undefined || this.#isTunnel) return
    const { script } = record
    const { answer } = script
    this.#waiting.shift()
    if (this.#isFromOrigin && record.originWholeBodies === 0) this.#hadEarlyAnswer = true
    record.isOver = true
    if (this.#isFromOrigin) {
      record.isWhole = true
      const expected = isBodiless(script) ? 0 : answer.bytes
      const endsByFin = answer.fault === 'fin-mid' && answer.framing === 'close'
      if (record.gotBytes !== expected && !endsByFin) {
        this.#world.fail(`answer ${script.id} looks whole with ${record.gotBytes} of ${expected} bytes`)
      }
      const wants =
        answer.trailers && answer.framing === 'chunked' && script.acceptsTrailers && !script.http10
      if (wants && !isBodiless(script) && trailers.get('x-end') !== `end-${script.id}`) {
        this.#world.fail(`trailer of answer ${script.id} lost`)
      }
    }
    this.#world.after(0, () => this.go())
  }
}
