/**
 * QueryContent: the content of a QUERY request (RFC 10008), read whole so that it can be part of the key and be sent
 * on by whoever asks the origin. It is the sink of the request's body until all of it has arrived.
 *
 * Promises: no more than `queryBytesMax` plus one read is held; a request with more is left as it was, with its body
 * available from the first byte.
 */
import { createHash } from 'node:crypto'
import type { Content } from '../../cache/fill/ask.ts'
import type { BodySink } from '../../http/body.ts'
import { hasOriginPreconditions } from '../../http/conditional.ts'
import type { Exchange } from '../../http/exchange.ts'
import { BODY_NONE } from '../../http/message.ts'
import type { Bypass } from './bypass.ts'

/** A query is written by people or made by a form; what is longer is an upload, and seldom asked for twice. */
export const queryBytesMax: number = 64 * 1024

/** What may arrive behind the bound in one piece: it is kept too, so that nothing of the body is lost. */
const pieceBytesMax = 1024 * 1024

/** What changes the meaning of the content, and so is part of the key (RFC 10008 §2.7). */
const meaningFields = ['content-type', 'content-encoding', 'content-language']

/** A QUERY that nothing but its method speaks against. */
export function isKeyedByContent(x: Exchange, bypass: Bypass | null): boolean {
  const { request } = x
  if (request.method !== 'QUERY' || request.upgrade !== '' || hasOriginPreconditions(request)) return false
  return bypass === null || bypass.why(x) === ''
}

export class QueryContent implements BodySink, Content {
  bytes: Buffer = Buffer.alloc(0)
  /** Of the content and what it means; '' while it is not whole, or when it is too long. */
  digest = ''
  readonly #x: Exchange
  readonly #pieces: Buffer[] = []
  #length = 0
  #turn = -1
  #isTold = false

  constructor(x: Exchange) {
    this.#x = x
  }

  /** False: it will tell by `x.reenter`. */
  take(): boolean {
    const { body, request } = this.#x
    if (request.bodyLength === BODY_NONE) this.end()
    else if (request.bodyLength > queryBytesMax) this.#isTold = true
    else {
      body.gather(queryBytesMax + pieceBytesMax)
      body.attach(this)
    }
    if (this.#isTold) return true
    this.#turn = this.#x.beginWait()
    return false
  }

  write(buffer: Buffer, start: number, end: number): boolean {
    this.#length += end - start
    if (this.#length > queryBytesMax) {
      this.#tell()
      return false
    }
    this.#pieces.push(Buffer.from(buffer.subarray(start, end)))
    return true
  }

  end(): void {
    if (this.#isTold) return
    this.bytes = Buffer.concat(this.#pieces)
    const hash = createHash('sha256')
    const { fields } = this.#x.request
    for (const name of meaningFields) {
      const value = fields.combinedByName(name) ?? ''
      hash.update(`${value.length}:${value}\n`)
    }
    this.digest = hash.update(this.bytes).digest('base64url')
    this.#tell()
  }

  #tell(): void {
    this.#isTold = true
    this.#x.body.detach(this)
    const turn = this.#turn
    this.#turn = -1
    if (turn >= 0) this.#x.reenter(turn)
  }

  /** The client broke off: its server sees to the exchange. */
  abort(): void {
    this.#turn = -1
  }
}
