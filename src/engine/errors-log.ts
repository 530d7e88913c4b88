/**
 * The errors log: faults of exchanges and messages of the program, one line each, above a level.
 *
 * Promises: a fault that repeats writes at most `faultLinesPerSecondMax` lines a second, and the rest are summed up
 * in one line: an origin that is down must not fill the disk. Messages have a bound of their own. Query strings are
 * left out, so no secret in them can reach a line.
 */
import { faultCount, faultRow, type Fault, type FaultLevel } from '../core/faults.ts'
import type { Clock, ClockTimer } from '../core/clock.ts'
import type { Exchange } from '../http/exchange.ts'
import { cutText, jsonText, plainText } from './log-text.ts'

/** Enough to see who is hit; the counters know the rest. */
export const faultLinesPerSecondMax = 10
/** Messages are rare (starts, reloads, crashes); a loop that makes them is a bug of ours. */
export const noteLinesPerSecondMax = 100
/** A line stays below PIPE_BUF, so it is whole also on a pipe that workers share. */
const messageLengthMax = 2000
const wordLengthMax = 200

const rank: Record<FaultLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 }

export class ErrorsLog {
  /** How many lines were only counted. */
  suppressed = 0
  readonly #clock: Clock
  readonly #write: (line: string) => void
  #isJson = false
  #rank = rank.info
  #second = -1
  /** Lines by fault in this second; the last place counts the messages. */
  readonly #lines = new Uint32Array(faultCount + 1)
  readonly #held = new Uint32Array(faultCount + 1)
  #timer: ClockTimer | null = null

  constructor(clock: Clock, write: (line: string) => void) {
    this.#clock = clock
    this.#write = write
  }

  configure(level: FaultLevel, isJson: boolean): void {
    this.#rank = rank[level]
    this.#isJson = isJson
  }

  note(level: FaultLevel, message: string): void {
    if (rank[level] < this.#rank || !this.#admits(faultCount, noteLinesPerSecondMax)) return
    this.#line(level, message, [])
  }

  fault(x: Exchange, fault: Fault): void {
    const row = faultRow(fault)
    if (rank[row.level] < this.#rank || !this.#admits(fault, faultLinesPerSecondMax)) return
    const { request } = x
    const client = x.clientAddress === '' ? x.down.remoteAddress : x.clientAddress
    const path = request.target.slice(0, request.queryStart)
    this.#line(row.level, row.sentence, [
      'fault',
      row.name,
      'id',
      x.requestId,
      'client',
      client,
      'method',
      request.method,
      'host',
      request.authority,
      'path',
      path,
      'route',
      x.route === null ? '' : x.route.name,
      'upstream',
      upstreamOf(x),
      'attempt',
      x.attempts === 0 ? '' : String(x.attempts),
    ])
  }

  /** A connection that was given up before it asked anything. */
  connectionFault(fault: Fault, peer: string): void {
    const row = faultRow(fault)
    if (rank[row.level] < this.#rank || !this.#admits(fault, faultLinesPerSecondMax)) return
    this.#line(row.level, row.sentence, ['fault', row.name, 'peer', peer])
  }

  #admits(index: number, linesMax: number): boolean {
    const second = Math.floor(this.#clock.nowMs() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.tellSuppressed()
      this.#lines.fill(0)
    }
    if ((this.#lines[index] as number) < linesMax) {
      this.#lines[index] = (this.#lines[index] as number) + 1
      return true
    }
    this.suppressed++
    this.#held[index] = (this.#held[index] as number) + 1
    this.#timer ??= this.#clock.after(1000, () => {
      this.#timer = null
      this.tellSuppressed()
    })
    return false
  }

  /** Writes how many lines were held back since the last time. It is also called before the log is closed. */
  tellSuppressed(): void {
    for (let index = 0; index <= faultCount; index++) {
      const count = this.#held[index] as number
      if (count === 0) continue
      this.#held[index] = 0
      const isNote = index === faultCount
      const level = isNote ? 'warn' : faultRow(index).level
      const fields = isNote ? [] : ['fault', faultRow(index).name]
      this.#line(level, count + ' more of the same were not written', [...fields, 'count', String(count)])
    }
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.tellSuppressed()
  }

  #line(level: FaultLevel, message: string, fields: readonly string[]): void {
    this.#write(
      this.#isJson ? this.#jsonLine(level, message, fields) : this.#textLine(level, message, fields),
    )
  }

  #textLine(level: FaultLevel, message: string, fields: readonly string[]): string {
    let line = new Date(this.#clock.wallMs()).toISOString() + ' ' + level.padEnd(5) + ' '
    // The logs are ASCII: the § of our own sentences would be written as \\xA7.
    const said = message.replaceAll('"', "'").replaceAll('§', 'section ')
    line += plainText(cutText(said, messageLengthMax))
    for (let i = 0; i < fields.length; i += 2) {
      const value = fields[i + 1] as string
      if (value === '') continue
      const text = plainText(cutText(value, wordLengthMax))
      line += ' ' + fields[i] + '=' + (text.includes(' ') ? '"' + text + '"' : text)
    }
    return line + '\n'
  }

  #jsonLine(level: FaultLevel, message: string, fields: readonly string[]): string {
    let line =
      '{"ts":' + (this.#clock.wallMs() / 1000).toFixed(3) + ',"level":"' + level + '","logger":"errors"'
    line += ',"msg":"' + jsonText(cutText(message, messageLengthMax)) + '"'
    for (let i = 0; i < fields.length; i += 2) {
      const value = fields[i + 1] as string
      if (value !== '') line += ',"' + fields[i] + '":"' + jsonText(cutText(value, wordLengthMax)) + '"'
    }
    return line + '}\n'
  }
}

/** The address of the attempt, or the server that was picked for it if it never got that far. */
function upstreamOf(x: Exchange): string {
  const server = x.upstream?.server ?? x.tried[x.tried.length - 1]
  return x.upstream === null || x.upstreamAddress === '' ? (server?.name ?? '') : x.upstreamAddress
}
