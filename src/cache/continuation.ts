/**
 * Continuation: the rest of an answer for a client that has fallen behind the window of one that no store holds. It asks
 * the origin for what is missing, by Range and under the strong entity-tag of what was sent (RFC 9110 §13.1.5), so that
 * the client gets the same representation to its end, or sees that it does not.
 *
 * Promises: not a byte of anything but the part asked for under that tag is written; it asks only when the client can
 * take more; a client that leaves takes it along.
 */
import { Faults, NONE, type Fault } from '../core/faults.ts'
import type { BodySource } from '../http/body.ts'
import { isSameStrongly } from '../http/conditional.ts'
import { PHASE_OVER, type Downstream, type Exchange, type Walk } from '../http/exchange.ts'
import { Field } from '../http/known-fields.ts'
import { BODY_NONE, type ResponseHead } from '../http/message.ts'
import { readContentRange } from '../http/ranges.ts'
import type { Transport } from '../net/transport.ts'
import { askForAll } from './fill-request.ts'

/** How the rest of an answer can be had. */
export interface Resumable {
  /** The step to begin with. */
  readonly from: number
  /** Strong. */
  readonly etag: string
  /** Of the whole. */
  readonly length: number
}

export class Continuation implements Downstream, BodySource {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localPort: number
  readonly encrypted: boolean
  readonly #x: Exchange
  readonly #life: number
  readonly #rest: Resumable
  readonly #first: number
  readonly #last: number
  #child: Exchange | null = null
  #hasAsked = false
  #left: number

  /** Bytes `first` to `last`, both included, are missing. Makes itself the source of `x`. */
  constructor(x: Exchange, rest: Resumable, first: number, last: number) {
    const { remoteAddress, remotePort, localPort, encrypted } = x.down
    this.remoteAddress = remoteAddress
    this.remotePort = remotePort
    this.localPort = localPort
    this.encrypted = encrypted
    this.#x = x
    this.#life = x.life
    this.#rest = rest
    this.#first = first
    this.#last = last
    this.#left = last - first + 1
    x.source = this
  }

  // The source of the client's body

  resume(): void {
    if (this.#child !== null) this.#child.source?.resume()
    else if (!this.#hasAsked) this.#ask()
  }

  cancel(fault: Fault): void {
    this.#hasAsked = true
    this.#endChild(fault === NONE ? Faults.CLIENT_GONE : fault)
  }

  #ask(): void {
    const { from, etag } = this.#rest
    const x = this.#x
    this.#hasAsked = true
    if (!this.#isRunning()) return
    const child = (x.walk as Walk).child(x, from, this)
    this.#child = child
    askForAll(child.request)
    const { fields } = child.request
    fields.setKnown(Field.RANGE, `bytes=${this.#first}-${this.#last}`)
    fields.setKnown(Field.IF_RANGE, etag)
    child.resume(child.turn)
  }

  #isRunning(): boolean {
    const x = this.#x
    return x.life === this.#life && !x.isFinished && x.phase !== PHASE_OVER
  }

  #endChild(fault: Fault): void {
    const child = this.#child
    this.#child = null
    child?.walk?.endChild(child, fault)
  }

  #fail(fault: Fault, childFault: Fault): void {
    this.#endChild(childFault)
    if (this.#isRunning()) this.#x.fail(fault)
  }

  // The child's answer

  sendHead(child: Exchange): void {
    if (child !== this.#child) return
    const { response } = child
    if (!this.#isRunning()) this.#endChild(Faults.CLIENT_GONE)
    else if (response.bodyLength === BODY_NONE) this.#fail(Faults.ORIGIN_TRUNCATED, NONE)
    else if (!this.#isRest(response)) this.#fail(Faults.ORIGIN_TRUNCATED, Faults.CLIENT_GONE)
  }

  #isRest({ status, fields }: ResponseHead): boolean {
    const range = readContentRange(fields.get(Field.CONTENT_RANGE) ?? '')
    if (status !== 206 || range === null || range.length !== this.#rest.length) return false
    if (!isSameStrongly(fields.get(Field.ETAG) ?? '', this.#rest.etag)) return false
    return range.first === this.#first && range.last === this.#last
  }

  sendWhole(child: Exchange, body: Buffer | null): void {
    this.sendHead(child)
    if (child !== this.#child || body === null) return
    this.write(body, 0, body.length)
    this.end()
  }

  write(buffer: Buffer, start: number, end: number): boolean {
    if (this.#child === null) return true
    if (!this.#isRunning()) {
      this.#endChild(Faults.CLIENT_GONE)
      return true
    }
    this.#left -= end - start
    this.#child.bytesSent += end - start
    if (this.#left >= 0) return this.#x.out.write(buffer, start, end)
    this.#fail(Faults.ORIGIN_TRUNCATED, Faults.ORIGIN_TRUNCATED)
    return true
  }

  end(): void {
    if (this.#child === null) return
    if (this.#left > 0) return this.#fail(Faults.ORIGIN_TRUNCATED, NONE)
    const isRunning = this.#isRunning()
    this.#endChild(NONE)
    if (!isRunning) return
    this.#x.source = null
    this.#x.out.end(null)
  }

  abort(fault: Fault): void {
    if (this.#child !== null) this.#fail(fault, NONE)
  }

  // What a stream of a client can do besides, and this one never is asked for.

  sendInformational(): void {}

  upgrade(): Transport | null {
    return null
  }

  pushKept(): void {}

  refuseReuse(): void {}
}
