/** A simulated origin of a cached zone: answers GET with what its resources are at the moment, or goes wrong on the way. */
import { pattern } from '../pattern.ts'
import { MessageReader, type SimHead } from '../reader.ts'
import type { SimOriginSocket, SimTransport } from '../wire.ts'
import type { World } from '../world.ts'
import { entityTag, keepings, type AskedFor, type Given, type Keeping, type Resources } from './resources.ts'

export interface CachedOriginHabits {
  readonly zone: string
  readonly faults: number
  readonly thinkMsMax: number
  readonly gapMsMax: number
  /** It serves parts. */
  readonly ranges: boolean
  /** Also of what is not what the client has already: it has never heard of If-Range. */
  readonly ignoresIfRange: boolean
  /** Tells by 416 that a part lies behind the end, instead of giving the whole. */
  readonly tellsEnds: boolean
}

type Mishap = 'none' | 'silent' | 'die-before' | 'failing' | 'reset-mid' | 'fin-mid' | 'stall-mid'

const mishaps: readonly Mishap[] = ['silent', 'die-before', 'failing', 'reset-mid', 'fin-mid', 'stall-mid']

export class CachedOrigin implements SimOriginSocket {
  readonly world: World
  readonly resources: Resources
  readonly habits: CachedOriginHabits

  constructor(world: World, resources: Resources, habits: CachedOriginHabits) {
    this.world = world
    this.resources = resources
    this.habits = habits
  }

  accept(transport: SimTransport): void {
    transport.events = new CachedOriginConnection(this, transport)
  }
}

class CachedOriginConnection {
  readonly #origin: CachedOrigin
  readonly #transport: SimTransport
  readonly #reader: MessageReader
  #drained: (() => void) | null = null
  /** A QUERY whose content is coming. */
  #query: SimHead | null = null
  #content = ''

  constructor(origin: CachedOrigin, transport: SimTransport) {
    this.#origin = origin
    this.#transport = transport
    this.#reader = new MessageReader('request', {
      onHead: (head) => {
        this.#content = ''
        this.#query = head.startLine.startsWith('QUERY ') ? head : null
        if (this.#query === null) this.#onRequest(head)
      },
      onBody: (bytes) => (this.#content += bytes.toString('latin1')),
      onEnd: () => {
        if (this.#query !== null) this.#onRequest(this.#query)
      },
      onBad: (reason) => origin.world.fail(`origin was sent a bad request: ${reason}`),
    })
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    this.#reader.feed(Buffer.from(buffer.subarray(start, end)))
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
    this.#drained = null
  }

  #onRequest(head: SimHead): void {
    const { world, resources, habits } = this.#origin
    const [method, path = ''] = head.startLine.split(' ')
    const resource = resources.find(habits.zone, path)
    if (head.fields.get('x-zone') !== habits.zone)
      world.fail(`zone ${habits.zone} was asked for another's ${path}`)
    if (resource === undefined) return world.fail(`origin was asked for ${head.startLine}`)
    if (!head.names.includes('via')) world.fail('Via is missing at the origin')
    if (head.fields.has('x-hop')) world.fail('a nominated field reached the origin')
    const asked: AskedFor = {
      number: Number(head.fields.get('x-request')),
      language: head.fields.get('accept-language') ?? '',
      content: this.#content,
      range: head.fields.get('range') ?? '',
    }
    resources.noteAsked(resource, asked)
    world.after(world.random.chance(0.5) ? 0 : world.random.next() * habits.thinkMsMax, () => {
      if (!this.#transport.isOpen) return
      const [given, keeping] = resources.current(resource, asked, world.nowMs())
      const range = this.#givesPart(method, head, given) ? asked.range : ''
      this.#answer(method === 'HEAD', head.fields.get('if-none-match'), given, keeping, range)
    })
  }

  #givesPart(method: string | undefined, { fields }: SimHead, given: Given): boolean {
    const { ranges, ignoresIfRange } = this.#origin.habits
    const ifRange = fields.get('if-range')
    // A weak one never matches (RFC 9110 §13.1.5).
    const isMatch = ifRange === undefined || (ifRange === entityTag(given) && !given.resource.isWeak)
    return ranges && method === 'GET' && (isMatch || ignoresIfRange)
  }

  #answer(
    isHead: boolean,
    condition: string | undefined,
    given: Given,
    keeping: Keeping,
    range: string,
  ): void {
    const { random } = this.#origin.world
    const mishap = random.chance(this.#origin.habits.faults) ? random.pick(mishaps) : 'none'
    const { resource } = given
    if (mishap === 'silent') return
    if (mishap === 'die-before')
      return random.chance(0.5) ? this.#transport.reset() : this.#transport.destroy()
    if (mishap === 'failing') {
      this.#transport.writeText('HTTP/1.1 503 Simulated\r\nContent-Length: 4\r\n\r\noops')
      return
    }
    const etag = entityTag(given)
    const common = [`ETag: ${etag}`, `Cache-Control: ${keepings[keeping].cacheControl}`]
    if (resource.varies) common.push('Vary: Accept-Language')
    if (condition === etag) {
      this.#transport.writeText(`HTTP/1.1 304 Simulated\r\n${common.join('\r\n')}\r\n\r\n`)
      return
    }
    if (this.#origin.habits.tellsEnds && firstOf(range) >= given.bytes) {
      const lines = ['HTTP/1.1 416 Simulated', 'Content-Length: 0', `Content-Range: bytes */${given.bytes}`]
      this.#transport.writeText(lines.join('\r\n') + '\r\n\r\n')
      return
    }
    const [first, last] = partOf(range, given.bytes)
    const isPart = first > 0 || last < given.bytes - 1
    const lines = [
      `HTTP/1.1 ${isPart ? 206 : 200} Simulated`,
      `X-Body: ${given.id}`,
      'Server: secret/1.0',
      ...common,
    ]
    if (resource.framing === 'length') lines.push(`Content-Length: ${last - first + 1}`)
    else if (resource.framing === 'chunked') lines.push('Transfer-Encoding: chunked')
    else lines.push('Connection: close')
    if (isPart) lines.push(`Content-Range: bytes ${first}-${last}/${given.bytes}`)
    this.#transport.writeText(lines.join('\r\n') + '\r\n\r\n')
    if (!isHead) return this.#body(given, first, last + 1, mishap)
    if (resource.framing === 'close') this.#transport.end()
  }

  #body(given: Given, at: number, end: number, mishap: Mishap): void {
    const { world, habits } = this.#origin
    const { framing } = given.resource
    const cutAt = mishap.endsWith('-mid') ? Math.floor((at + end) / 2) : Infinity
    let from = at
    while (from < end) {
      if (!this.#transport.isOpen) return
      if (from >= cutAt) return this.#breakOff(mishap, framing)
      const to = Math.min(end, from + world.random.between(1, 30_000), Math.max(from + 1, cutAt))
      const bytes = pattern(given.id, from, to)
      if (framing === 'chunked') this.#transport.writeText(bytes.length.toString(16) + '\r\n')
      const goOn = this.#transport.writeBytes(bytes, 0, bytes.length)
      if (framing === 'chunked') this.#transport.writeText('\r\n')
      from = to
      const next = (): void => this.#body(given, to, end, mishap)
      if (!goOn) {
        this.#drained = next
        return
      }
      if (habits.gapMsMax > 0 && from < end) {
        world.after(world.random.next() * habits.gapMsMax, next)
        return
      }
    }
    if (mishap.endsWith('-mid') && framing !== 'length') return this.#breakOff(mishap, framing)
    if (framing === 'chunked') this.#transport.writeText('0\r\n\r\n')
    if (framing === 'close') this.#transport.end()
  }

  #breakOff(mishap: Mishap, framing: string): void {
    // A body that ends with the connection is whole when that ends well.
    if (mishap === 'reset-mid' || (mishap === 'fin-mid' && framing === 'close')) this.#transport.reset()
    else if (mishap === 'fin-mid') this.#transport.end()
  }
}

/** -1: none. */
function firstOf(range: string): number {
  return Number(/^bytes=(\d+)-/.exec(range)?.[1] ?? -1)
}

/** First and last byte that `range` asks for; all of it where that is no part. */
function partOf(range: string, bytes: number): [number, number] {
  const match = /^bytes=(\d+)-(\d+)$/.exec(range)
  const first = Number(match?.[1] ?? 0)
  const last = Math.min(Number(match?.[2] ?? Infinity), bytes - 1)
  return first <= last ? [first, last] : [0, bytes - 1]
}
