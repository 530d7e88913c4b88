/**
 * A simulated origin: reads requests with its own reader, checks every byte of their bodies, and answers as the script
 * of each says: slowly, early, broken, or not at all.
 */
import { greetingBytes } from './client-actor.ts'
import { mismatch, pattern } from './pattern.ts'
import { MessageReader, type SimHead } from './reader.ts'
import type { AnswerScript, Record } from './script.ts'
import { isBodiless } from './script.ts'
import type { SimOriginSocket, SimTransport } from './wire.ts'
import type { World } from './world.ts'

export interface OriginHabits {
  /** An idle connection is closed after this long. */
  readonly idleMs: number
  /** Reading pauses now and then, for at most this long. */
  readonly slowMsMax: number
}

export class OriginActor implements SimOriginSocket {
  readonly world: World
  readonly records: Map<number, Record>
  readonly habits: OriginHabits
  connections = 0

  constructor(world: World, records: Map<number, Record>, habits: OriginHabits) {
    this.world = world
    this.records = records
    this.habits = habits
  }

  accept(transport: SimTransport): void {
    this.connections++
    transport.events = new OriginConnectionActor(this, transport)
  }
}

class OriginConnectionActor {
  readonly #origin: OriginActor
  readonly #transport: SimTransport
  readonly #reader: MessageReader
  #record: Record | null = null
  #bodyBytes = 0
  #isAnswering = false
  #hasAnswered = false
  #requestWhole = true
  #idleTurn = 0
  #drained: (() => void) | null = null
  #isTunnel = false
  #shouldClose = false

  constructor(origin: OriginActor, transport: SimTransport) {
    this.#origin = origin
    this.#transport = transport
    this.#reader = new MessageReader('request', {
      onHead: (head) => this.#onHead(head),
      onBody: (bytes) => this.#onBody(bytes),
      onEnd: (trailers) => this.#onEnd(trailers),
      onBad: (reason) => origin.world.fail(`origin was sent a bad request: ${reason}`),
    })
    this.#armIdle()
  }

  #armIdle(): void {
    const turn = ++this.#idleTurn
    this.#origin.world.after(this.#origin.habits.idleMs, () => {
      if (turn === this.#idleTurn && this.#record === null) this.#transport.destroy()
    })
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    const bytes = Buffer.from(buffer.subarray(start, end))
    this.#idleTurn++
    if (this.#isTunnel) return this.#echo(bytes)
    this.#reader.feed(bytes)
    const { world, habits } = this.#origin
    if (habits.slowMsMax > 0 && world.random.chance(0.1)) {
      this.#transport.pause()
      world.after(world.random.next() * habits.slowMsMax, () => this.#transport.resume())
    }
  }

  #echo(bytes: Buffer): void {
    this.#transport.writeBytes(bytes, 0, bytes.length)
  }

  onDrain(): void {
    const resume = this.#drained
    this.#drained = null
    resume?.()
  }

  onEnd(): void {
    this.#transport.end()
  }

  onClose(): void {
    this.#idleTurn++
    this.#drained = null
  }

  #onHead(head: SimHead): void {
    const world = this.#origin.world
    const id = Number(head.fields.get('x-sim'))
    const record = this.#origin.records.get(id)
    if (record === undefined) return world.fail(`origin got a request that nobody sent: ${head.startLine}`)
    if (this.#record !== null) return world.fail(`origin got request ${id} before it had answered`)
    this.#checkHead(head, record)
    record.originHeads++
    this.#record = record
    this.#bodyBytes = 0
    this.#requestWhole = false
    if (record.script.expect && head.fields.get('expect') === '100-continue' && !record.script.answer.early) {
      record.saidContinueAtMs = world.nowMs()
      this.#transport.writeText('HTTP/1.1 100 Continue\r\n\r\n')
    }
    if (record.script.answer.early || record.script.upgrade) this.#answerSoon()
  }

  #checkHead(head: SimHead, record: Record): void {
    const { world } = this.#origin
    const { script } = record
    if (!head.startLine.startsWith(`${script.method} /x/${script.id} HTTP/1.1`)) {
      world.fail(`origin got ${head.startLine} for ${script.id}`)
    }
    if (head.fields.get('x-hop') !== undefined)
      world.fail(`a nominated field reached the origin (${script.id})`)
    if (head.fields.get('x-kept') !== `kept-${script.id}`)
      world.fail(`a field was lost or mixed (${script.id})`)
    if (head.fields.get('host') !== 'sim.example')
      world.fail(`Host is ${head.fields.get('host')} (${script.id})`)
    for (const name of ['via', 'x-forwarded-for']) {
      if (!head.names.includes(name)) world.fail(`${name} is missing at the origin (${script.id})`)
    }
    if (script.upgrade && head.fields.get('upgrade') !== 'sim') world.fail(`upgrade was lost (${script.id})`)
  }

  #onBody(bytes: Buffer): void {
    const record = this.#record
    if (record === null) return
    const wrong = mismatch(record.script.id, this.#bodyBytes, bytes)
    if (wrong >= 0)
      this.#origin.world.fail(`byte ${wrong} of the body of request ${record.script.id} is wrong`)
    this.#bodyBytes += bytes.length
  }

  #onEnd(trailers: Map<string, string>): void {
    const record = this.#record
    if (record === null) return
    const { script } = record
    const world = this.#origin.world
    this.#requestWhole = true
    record.originWholeBodies++
    if (this.#bodyBytes !== script.requestBytes) {
      world.fail(`request ${script.id} looked whole with ${this.#bodyBytes} of ${script.requestBytes} bytes`)
    }
    if (!record.sentAll) world.fail(`request ${script.id} looked whole before the client had sent it`)
    const wantsTrailer = script.requestChunked && script.requestTrailers
    if (wantsTrailer && trailers.get('x-end') !== `end-${script.id}`)
      world.fail(`trailer of request ${script.id} lost`)
    if (!this.#isAnswering && !this.#hasAnswered) this.#answerSoon()
    else this.#finishIfBoth()
  }

  #answerSoon(): void {
    this.#isAnswering = true
    const record = this.#record as Record
    this.#origin.world.after(record.script.answer.thinkMs, () => this.#answer(record))
  }

  #answer(record: Record): void {
    if (!this.#transport.isOpen) return
    const { answer } = record.script
    switch (answer.fault) {
      case 'silent':
        return
      case 'die-before':
        if (this.#origin.world.random.chance(0.5)) this.#transport.reset()
        else this.#transport.destroy()
        return
      case 'garbage':
        this.#transport.writeText('HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\nabcd')
        this.#transport.end()
        return
    }
    for (let i = 0; i < answer.informational; i++) {
      this.#transport.writeText('HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n')
    }
    record.originAnswered = true
    this.#transport.writeText(this.#head(record))
    if (record.script.upgrade) {
      this.#isTunnel = true
      this.#echo(pattern(record.script.id, 0, greetingBytes))
      return
    }
    const total = isBodiless(record.script) ? 0 : answer.bytes
    this.#body(record, 0, total)
  }

  #head(record: Record): string {
    const { script } = record
    const { answer } = script
    const lines = [`HTTP/1.${answer.http10 ? 0 : 1} ${answer.status} Simulated`]
    if (script.upgrade) return lines[0] + '\r\nConnection: upgrade\r\nUpgrade: sim\r\n\r\n'
    lines.push(
      `X-Sim: ${script.id}`,
      `Server: secret/1.0`,
      `Connection: ${answer.closes ? 'close, ' : ''}x-hop`,
      'X-Hop: 1',
    )
    if (answer.http10 && !answer.closes) lines[3] = 'Connection: keep-alive, x-hop'
    const bodiless = answer.status === 204 || answer.status === 304
    if (!bodiless && answer.framing === 'length') lines.push(`Content-Length: ${answer.bytes}`)
    if (!bodiless && answer.framing === 'chunked') lines.push('Transfer-Encoding: chunked')
    return lines.join('\r\n') + '\r\n\r\n'
  }

  /** Sends the body from `at`, in pieces, held back by the transport. */
  #body(record: Record, at: number, total: number): void {
    const { world } = this.#origin
    const { answer, id } = record.script
    const cutAt = answer.fault.endsWith('-mid') ? Math.floor(total / 2) : -1
    let from = at
    while (from < total) {
      if (!this.#transport.isOpen) return
      if (cutAt >= 0 && from >= cutAt) return this.#breakOff(answer)
      const to = Math.min(total, from + world.random.between(1, 8192), cutAt > from ? cutAt : total)
      const bytes = pattern(id, from, to)
      if (answer.framing === 'chunked') this.#transport.writeText(bytes.length.toString(16) + '\r\n')
      const goOn = this.#transport.writeBytes(bytes, 0, bytes.length)
      if (answer.framing === 'chunked') this.#transport.writeText('\r\n')
      from = to
      const next = from
      if (!goOn) {
        this.#drained = () => this.#body(record, next, total)
        return
      }
      if (answer.gapMs > 0 && from < total) {
        world.after(answer.gapMs, () => this.#body(record, next, total))
        return
      }
    }
    if (answer.fault.endsWith('-mid') && answer.framing !== 'length' && !isBodiless(record.script))
      return this.#breakOff(answer)
    this.#endAnswer(record)
  }

  #breakOff(answer: AnswerScript): void {
    if (answer.fault === 'reset-mid') this.#transport.reset()
    else if (answer.fault === 'fin-mid') this.#transport.end()
  }

  #endAnswer(record: Record): void {
    const { answer } = record.script
    if (answer.framing === 'chunked' && !isBodiless(record.script)) {
      this.#transport.writeText(answer.trailers ? `0\r\nX-End: end-${record.script.id}\r\n\r\n` : '0\r\n\r\n')
    }
    if (answer.fault === 'extra' && answer.framing !== 'close')
      this.#transport.writeText('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nextra')
    this.#isAnswering = false
    this.#hasAnswered = true
    this.#shouldClose = answer.closes
    if (answer.closes) this.#transport.end()
    this.#finishIfBoth()
  }

  #finishIfBoth(): void {
    if (this.#isAnswering || !this.#requestWhole) return
    this.#record = null
    this.#hasAnswered = false
    if (!this.#shouldClose) this.#armIdle()
  }
}
