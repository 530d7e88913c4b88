/**
 * A reader of HTTP/1.1 messages for the simulated clients and origins. It shares no line with `src/`: a mistake that
 * both sides of a codec make alike would otherwise not be seen. Plain and slow.
 */

export interface SimHead {
  readonly startLine: string
  readonly fields: Map<string, string>
  readonly names: string[]
}

export interface ReaderEvents {
  onHead(head: SimHead): void
  onBody(bytes: Buffer): void
  /** `trailers` by lower-case name. */
  onEnd(trailers: Map<string, string>): void
  onBad(reason: string): void
}

type Phase = 'head' | 'length' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer' | 'close' | 'opaque' | 'bad'

function parseFields(lines: string[]): { fields: Map<string, string>; names: string[] } | null {
  const fields = new Map<string, string>()
  const names: string[] = []
  for (const line of lines) {
    const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\r\n\0]*?)[ \t]*$/.exec(line)
    if (match === null) return null
    const name = (match[1] as string).toLowerCase()
    names.push(name)
    const old = fields.get(name)
    fields.set(name, old === undefined ? (match[2] as string) : old + ', ' + (match[2] as string))
  }
  return { fields, names }
}

export class MessageReader {
  readonly #role: 'request' | 'response'
  readonly #events: ReaderEvents
  /** For responses: the methods of the requests under way, oldest first. */
  readonly methods: string[] = []
  #bytes = Buffer.alloc(0)
  #phase: Phase = 'head'
  #left = 0
  #busy = false

  constructor(role: 'request' | 'response', events: ReaderEvents) {
    this.#role = role
    this.#events = events
  }

  get isBetweenMessages(): boolean {
    return this.#phase === 'head' && this.#bytes.length === 0
  }

  get isInBody(): boolean {
    return this.#phase !== 'head' && this.#phase !== 'bad' && this.#phase !== 'opaque'
  }

  /** After an upgrade: what follows is not HTTP. */
  goOpaque(): void {
    this.#phase = 'opaque'
  }

  feed(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    if (this.#busy) return
    this.#busy = true
    while (this.#step()) {}
    this.#busy = false
  }

  /** The peer sent FIN. */
  finish(): void {
    if (this.#phase !== 'close') return
    this.#phase = 'head'
    this.#events.onEnd(new Map())
  }

  #take(count: number): Buffer {
    const taken = this.#bytes.subarray(0, count)
    this.#bytes = this.#bytes.subarray(count)
    return taken
  }

  #bad(reason: string): boolean {
    this.#phase = 'bad'
    this.#events.onBad(reason)
    return false
  }

  #end(trailers: Map<string, string>): boolean {
    this.#phase = 'head'
    this.#events.onEnd(trailers)
    return true
  }

  #line(): string | null {
    const at = this.#bytes.indexOf('\r\n')
    if (at < 0) return null
    return this.#take(at + 2)
      .subarray(0, at)
      .toString('latin1')
  }

  #step(): boolean {
    switch (this.#phase) {
      case 'head':
        return this.#head()
      case 'length':
      case 'chunk':
        return this.#body()
      case 'chunk-size':
        return this.#chunkSize()
      case 'chunk-end':
        return this.#chunkEnd()
      case 'trailer':
        return this.#trailer()
      case 'close':
      case 'opaque':
        if (this.#bytes.length > 0) this.#events.onBody(this.#take(this.#bytes.length))
        return false
      default:
        return false
    }
  }

  #chunkSize(): boolean {
    const line = this.#line()
    if (line === null) return false
    if (!/^[0-9a-fA-F]+$/.test(line)) return this.#bad(`chunk size ${JSON.stringify(line)}`)
    this.#left = Number.parseInt(line, 16)
    this.#phase = this.#left === 0 ? 'trailer' : 'chunk'
    return true
  }

  #chunkEnd(): boolean {
    const line = this.#line()
    if (line === null) return this.#bytes.length >= 2 ? this.#bad('no CRLF behind a chunk') : false
    if (line !== '') return this.#bad('no CRLF behind a chunk')
    this.#phase = 'chunk-size'
    return true
  }

  #trailer(): boolean {
    if (this.#bytes.subarray(0, 2).toString('latin1') === '\r\n') {
      this.#take(2)
      return this.#end(new Map())
    }
    const at = this.#bytes.indexOf('\r\n\r\n')
    if (at < 0) return false
    const parsed = parseFields(
      this.#take(at + 4)
        .toString('latin1', 0, at)
        .split('\r\n'),
    )
    return parsed === null ? this.#bad('trailer') : this.#end(parsed.fields)
  }

  #body(): boolean {
    if (this.#bytes.length === 0) return false
    const bytes = this.#take(Math.min(this.#left, this.#bytes.length))
    this.#left -= bytes.length
    this.#events.onBody(bytes)
    if (this.#left > 0) return false
    if (this.#phase === 'length') return this.#end(new Map())
    this.#phase = 'chunk-end'
    return true
  }

  #head(): boolean {
    const at = this.#bytes.indexOf('\r\n\r\n')
    if (at < 0) return false
    const lines = this.#take(at + 4)
      .toString('latin1', 0, at)
      .split('\r\n')
    const startLine = lines.shift() as string
    const parsed = parseFields(lines)
    if (parsed === null) return this.#bad('field line')
    const head: SimHead = { startLine, ...parsed }
    const coding = head.fields.get('transfer-encoding')
    const length = head.fields.get('content-length')
    if (coding !== undefined && length !== undefined) return this.#bad('two framings')
    if (coding !== undefined && coding !== 'chunked') return this.#bad('transfer coding')
    if (length !== undefined && !/^\d+$/.test(length)) return this.#bad('content-length')
    const bodiless = this.#role === 'response' && this.#isBodiless(startLine)
    if (bodiless === null) return this.#bad(`status line ${startLine}`)
    this.#left = length === undefined ? 0 : Number(length)
    if (!bodiless && coding !== undefined) this.#phase = 'chunk-size'
    else if (!bodiless && this.#left > 0) this.#phase = 'length'
    else if (!bodiless && length === undefined && this.#role === 'response') this.#phase = 'close'
    this.#events.onHead(head)
    // The head's receiver may have turned it opaque, or it is a 1xx.
    if (this.#phase !== 'head') return true
    if (/^HTTP\/1\.[01] 1/.test(startLine)) return true
    return this.#end(new Map())
  }

  /** null: not a status line. */
  #isBodiless(startLine: string): boolean | null {
    const match = /^HTTP\/1\.[01] (\d{3})( |$)/.exec(startLine)
    if (match === null) return null
    const status = Number(match[1])
    if (status < 200) return true
    const method = this.methods.shift()
    return method === 'HEAD' || status === 204 || status === 304
  }
}
