/**
 * A simulated client of the cached zones. It knows what every answer may be: of its zone, its path, its language, for
 * itself where it is not for all, not older than the origin allowed, whole where it looks whole.
 */
import { mismatch } from '../pattern.ts'
import { MessageReader, type SimHead } from '../reader.ts'
import type { SimTransport } from '../wire.ts'
import type { World } from '../world.ts'
import { PartsReader } from './parts.ts'
import { entityTag, isInDoubt, keepings, type Given, type Resource, type Resources } from './resources.ts'

export interface CachedRequest {
  readonly number: number
  readonly resource: Resource
  readonly language: string
  readonly method: 'GET' | 'HEAD' | 'QUERY'
  /** What a QUERY encloses. */
  readonly content: string
  /** As it stands in Range; '': all. */
  readonly range: string
  /** With the ETag of an answer that it got before. */
  readonly isConditional: boolean
  /** The part of that only, else all (If-Range). */
  readonly isOfThat?: boolean
  readonly startMs: number
  /** It leaves so long after it has asked; -1: it stays. */
  readonly leaveMs: number
}

export interface CachedClientHabits {
  readonly slowMsMax: number
  readonly isCalm: boolean
  /** A version that changes under an answer made of slices is told by cutting it. */
  readonly isSliced: boolean
}

/** Asks one thing after the other, each on time or when the one before is answered. */
export class CachedClient {
  readonly #world: World
  readonly #resources: Resources
  readonly #habits: CachedClientHabits
  readonly #todo: CachedRequest[]
  readonly #connect: () => SimTransport
  readonly #etags: Map<Resource, string> = new Map()
  #transport: SimTransport | null = null
  #reader: MessageReader | null = null
  #waiting: CachedRequest | null = null
  #condition = ''
  #sentMs = 0
  /** Of what it asks for, what anybody had seen then. */
  #seen = 0
  #status = 0
  #given: Given | null = null
  /** Of an answer with a part, or several. */
  #parts: PartsReader | null = null
  #position = 0
  #wanted = -1
  #isLast = false
  answered = 0

  constructor(
    world: World,
    resources: Resources,
    habits: CachedClientHabits,
    todo: CachedRequest[],
    connect: () => SimTransport,
  ) {
    this.#world = world
    this.#resources = resources
    this.#habits = habits
    this.#todo = todo
    this.#connect = connect
  }

  get isDone(): boolean {
    return this.#todo.length === 0 && this.#waiting === null
  }

  go(): void {
    const next = this.#todo[0]
    if (this.#waiting !== null) return
    if (next === undefined) return this.#transport?.destroy()
    const inMs = next.startMs - this.#world.nowMs()
    if (inMs > 0) return void this.#world.after(inMs, () => this.go())
    // A connection that is about to close is waited for.
    if (this.#transport !== null && this.#isLast) return
    this.#todo.shift()
    this.#ask(next)
  }

  #ask(request: CachedRequest): void {
    const transport = this.#transport ?? this.#open()
    this.#waiting = request
    this.#sentMs = this.#world.nowMs()
    this.#seen = this.#resources.seen(request.resource, request.language)
    this.#status = 0
    const { resource, method, language, range } = request
    const lines = [`${method} ${resource.path} HTTP/1.1`, 'Host: sim.example', `X-Zone: ${resource.zone}`]
    lines.push(`X-Request: ${request.number}`, `Accept-Language: ${language}`)
    lines.push('Connection: x-hop', 'X-Hop: secret')
    if (range !== '') lines.push(`Range: ${range}`)
    const known = this.#etags.get(resource) ?? ''
    if (request.isOfThat === true && range !== '' && known !== '') lines.push(`If-Range: ${known}`)
    this.#condition = request.isConditional ? known : ''
    if (this.#condition !== '') lines.push(`If-None-Match: ${this.#condition}`)
    if (method === 'QUERY')
      lines.push('Content-Type: text/plain', `Content-Length: ${request.content.length}`)
    this.#reader?.methods.push(method)
    transport.writeText(lines.join('\r\n') + '\r\n\r\n' + request.content)
    if (request.leaveMs < 0) return
    this.#world.after(request.leaveMs, () => {
      if (this.#waiting !== request || !transport.isOpen) return
      if (this.#world.random.chance(0.5)) transport.reset()
      else transport.destroy()
    })
  }

  #open(): SimTransport {
    const transport = this.#connect()
    this.#transport = transport
    this.#isLast = false
    this.#reader = new MessageReader('response', {
      onHead: (head) => this.#onHead(head),
      onBody: (bytes) => this.#onBody(bytes),
      onEnd: () => this.#onEnd(),
      onBad: (reason) => this.#world.fail(`client was sent a bad answer: ${reason}`),
    })
    transport.events = {
      onBytes: (buffer, start, end) => this.#onBytes(Buffer.from(buffer.subarray(start, end))),
      onDrain: () => {},
      onEnd: () => {
        this.#reader?.finish()
        transport.end()
      },
      onClose: () => this.#onClose(),
    }
    return transport
  }

  #onBytes(bytes: Buffer): void {
    const { random } = this.#world
    const transport = this.#transport
    this.#reader?.feed(bytes)
    if (this.#habits.slowMsMax === 0 || transport === null || !random.chance(0.3)) return
    transport.pause()
    this.#world.after(random.next() * this.#habits.slowMsMax, () => transport.resume())
  }

  #onClose(): void {
    const request = this.#waiting
    if (request !== null && request.leaveMs < 0 && this.#isCalm(request))
      this.#world.fail(`the answer to ${request.number} broke off in calm weather`)
    this.#transport = null
    this.#waiting = null
    this.#world.after(1, () => this.go())
  }

  /** Nothing that happens to it may be other than right. */
  #isCalm({ resource }: CachedRequest): boolean {
    const { isCalm, isSliced } = this.#habits
    const { periodMs, keeping } = resource
    return isCalm && (!isSliced || (periodMs === Infinity && keeping !== null && keepings[keeping].isShared))
  }

  #onHead(head: SimHead): void {
    const request = this.#waiting
    if (request === null) return this.#world.fail(`an answer to nothing: ${head.startLine}`)
    this.#status = Number(head.startLine.slice(9, 12))
    this.#isLast = /\bclose\b/.test(head.fields.get('connection') ?? '')
    this.#given = null
    this.#parts = null
    this.#position = 0
    this.#wanted = -1
    if (head.fields.has('server')) this.#world.fail('Server reached the client')
    if (this.#status === 304) return this.#onNotModified(head, request)
    const id = head.fields.get('x-body')
    if (id === undefined) return this.#onError(request)
    const given = this.#resources.given.get(Number(id))
    if (given === undefined) return this.#world.fail(`answer ${id} was never given out`)
    this.#given = given
    this.#wanted = request.method === 'HEAD' ? 0 : given.bytes
    this.#check(request, given)
    if (request.method !== 'QUERY') this.#etags.set(given.resource, entityTag(given))
    if (this.#status === 206) this.#onPart(head, request, given)
    else if (this.#status !== 200) this.#world.fail(`${this.#status} with a body of the origin`)
  }

  #check(request: CachedRequest, given: Given): void {
    const { world } = this
    const { resource, language, number } = request
    const where = `request ${number} got answer ${given.id}`
    if (given.resource.zone !== resource.zone) world.fail(`${where} of another zone`)
    if (given.resource.path !== resource.path) world.fail(`${where} of another path`)
    if (given.resource.varies && given.variant !== language) world.fail(`${where} of another variant`)
    if (given.content !== request.content) world.fail(`${where} of another query`)
    if (given.owner >= 0 && given.owner !== number) world.fail(`${where}, which is for ${given.owner} alone`)
    const ageMs = this.#sentMs - given.confirmedMs
    if (given.owner < 0 && ageMs > given.allowedMs && !isInDoubt(given, this.#sentMs))
      world.fail(`${where}, ${ageMs.toFixed(0)} ms old where ${given.allowedMs} are allowed`)
    if (given.id < this.#seen) world.fail(`${where}, older than ${this.#seen}, which somebody had seen`)
    for (const { issuedMs, ackedMs } of resource.purges)
      if (this.#sentMs >= ackedMs && given.confirmedMs < issuedMs)
        world.fail(`${where}, which was purged at ${issuedMs.toFixed(1)} ms`)
  }

  get world(): World {
    return this.#world
  }

  #onNotModified(head: SimHead, request: CachedRequest): void {
    if (this.#condition === '')
      return this.#world.fail(`304 to request ${request.number} without a condition`)
    const etag = head.fields.get('etag')
    if (etag !== this.#condition) this.#world.fail(`304 with ${etag} to ${this.#condition}`)
    const given = this.#resources.tagged(this.#condition)
    if (given !== undefined) this.#check(request, given)
  }

  #onPart(head: SimHead, { range, method }: CachedRequest, given: Given): void {
    const { fields } = head
    const type = fields.get('content-type') ?? ''
    const bad = (what: string): void => this.#world.fail(`${what} of ${given.bytes} for ${range}`)
    if (range === '') return this.#world.fail('a part that nobody asked for')
    this.#parts = new PartsReader({
      range,
      given,
      bad,
      onBytes: (at, bytes) => this.#compare(given, at, bytes),
    })
    this.#wanted = this.#parts.begin(fields.get('content-range'), type)
    if (method !== 'HEAD') return
    this.#wanted = 0
    this.#parts = null
  }

  #onError(request: CachedRequest): void {
    if (this.#status === 416 && request.range !== '') return
    if (this.#isCalm(request))
      this.#world.fail(`request ${request.number} got ${this.#status} in calm weather`)
    else if (this.#status < 500) this.#world.fail(`request ${request.number} got ${this.#status}`)
  }

  #onBody(bytes: Buffer): void {
    const given = this.#given
    if (given === null) return
    if (this.#parts === null) this.#compare(given, this.#position, bytes)
    else this.#parts.feed(bytes)
    this.#position += bytes.length
  }

  #compare(given: Given, at: number, bytes: Buffer): void {
    const wrong = isInDoubt(given, this.#sentMs) ? -1 : mismatch(given.id, at, bytes)
    if (wrong >= 0) this.#world.fail(`byte ${wrong} of answer ${given.id} is wrong`)
  }

  #onEnd(): void {
    const given = this.#given
    if (this.#waiting === null) return
    this.#parts?.end()
    // -1: several parts know their end themselves.
    if (given !== null && this.#wanted >= 0 && this.#position !== this.#wanted)
      this.#world.fail(`answer ${given.id} looks whole at ${this.#position} of ${this.#wanted} bytes`)
    if (given !== null && this.#waiting.method === 'GET') this.#resources.noteSeen(given)
    this.#waiting = null
    this.answered++
    this.#world.after(0, () => this.go())
  }
}
