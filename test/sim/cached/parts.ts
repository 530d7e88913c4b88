/**
 * PartsReader: reads a 206, whether of one part or of several (multipart/byteranges), and compares what it has with what was
 * asked for. It shares no line with `src/`.
 */
import type { Given } from './resources.ts'

export interface PartsOwner {
  /** As it stands in Range. */
  readonly range: string
  readonly given: Given
  bad(what: string): void
  /** Bytes of the whole, and where they stand in it. */
  onBytes(at: number, bytes: Buffer): void
}

type Span = readonly [first: number, last: number]

export class PartsReader {
  readonly #owner: PartsOwner
  readonly #wanted: readonly Span[]
  readonly #got: Span[] = []
  #boundary = ''
  #buffer: Buffer = Buffer.alloc(0)
  #at = 0
  /** Of the part that is coming. */
  #left = 0
  #isOver = false

  constructor(owner: PartsOwner) {
    this.#owner = owner
    this.#wanted = spansOf(owner.range, owner.given.bytes)
  }

  /** The bytes of the body, -1 where several parts are to come. */
  begin(contentRange: string | undefined, type: string): number {
    this.#boundary = /^multipart\/byteranges; *boundary="?([^"]+)"?$/.exec(type)?.[1] ?? ''
    if (this.#boundary !== '') return -1
    this.#beginPart(contentRange ?? '')
    const [only] = this.#wanted
    const [got] = this.#got
    if (this.#wanted.length <= 1 && (got?.[0] !== only?.[0] || got?.[1] !== only?.[1]))
      this.#owner.bad(`part ${contentRange}`)
    return this.#left
  }

  #beginPart(contentRange: string): void {
    const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(contentRange)
    const [first, last, length] = (match?.slice(1).map(Number) ?? [0, -1, -1]) as [number, number, number]
    if (length !== this.#owner.given.bytes || first > last) this.#owner.bad(`part '${contentRange}'`)
    this.#got.push([first, last])
    this.#at = first
    this.#left = Math.max(0, last - first + 1)
  }

  feed(bytes: Buffer): void {
    if (this.#boundary === '') return this.#take(bytes)
    this.#buffer = Buffer.concat([this.#buffer, bytes])
    while (this.#step()) {}
  }

  #take(bytes: Buffer): void {
    this.#owner.onBytes(this.#at, bytes)
    this.#at += bytes.length
    this.#left -= bytes.length
  }

  /** False: more must come first. */
  #step(): boolean {
    if (this.#left > 0) {
      const bytes = this.#buffer.subarray(0, this.#left)
      this.#buffer = this.#buffer.subarray(bytes.length)
      if (bytes.length > 0) this.#take(bytes)
      return bytes.length > 0
    }
    const text = this.#buffer.toString('latin1', 0, 1000)
    const delimiter = '--' + this.#boundary
    if (text === '\r\n' + delimiter + '--\r\n' || this.#isOver) {
      this.#isOver = true
      return false
    }
    const end = text.indexOf('\r\n\r\n')
    if (end < 0) return false
    // The first one may have nothing before it.
    const head = text.slice(0, end).replace(/^\r\n/, '')
    if (!head.startsWith(delimiter + '\r\n')) this.#owner.bad(`${JSON.stringify(head)} before a part`)
    this.#buffer = this.#buffer.subarray(end + 4)
    this.#beginPart(/\r\nContent-Range: *([^\r]*)/i.exec(head)?.[1] ?? '')
    return true
  }

  /** The message is whole: so must be what was asked for. */
  end(): void {
    if (this.#boundary !== '' && !this.#isOver) this.#owner.bad('several parts without an end')
    const isThere = ([first, last]: Span): boolean =>
      this.#got.some(([from, to]) => from <= first && last <= to)
    const missing = this.#wanted.find((wanted) => !isThere(wanted))
    if (missing !== undefined && (this.#left === 0 || this.#boundary !== ''))
      this.#owner.bad(`no ${missing.join('-')} in what came`)
  }
}

/** Those that there are, in the order in which they were asked for. */
function spansOf(range: string, length: number): Span[] {
  const spans: Span[] = []
  for (const text of range.slice('bytes='.length).split(',')) {
    const [first = '', last = ''] = text.trim().split('-')
    const from = first === '' ? Math.max(0, length - Number(last)) : Number(first)
    const to = first === '' || last === '' ? length - 1 : Math.min(Number(last), length - 1)
    if (from <= to) spans.push([from, to])
  }
  return spans
}
