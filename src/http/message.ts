/**
 * RequestHead and ResponseHead: the head of one message, in a form that belongs to no protocol. HTTP/1 readers fill
 * it from bytes, HTTP/2 from HPACK, handlers by hand; what is sent is written from it. Heads are pooled with their
 * exchange.
 */
import { Fields } from './fields.ts'

/** Body lengths. A number ≥ 0 is the exact count of bytes. */
export const BODY_NONE = 0
/** Framed by the protocol, length unknown until its end: chunked in HTTP/1.1, DATA frames without content-length. */
export const BODY_UNKNOWN = -1
/** Ends where the connection ends (RFC 9112 §6.3, rule 8). Responses only. */
export const BODY_UNTIL_CLOSE = -2

/** Versions as numbers that compare. */
/** Not HTTP at all: bytes that are passed on unread. */
export const VERSION_TCP = 0
export const HTTP_1_0 = 10
export const HTTP_1_1 = 11
export const HTTP_2 = 20
export const HTTP_3 = 30

/** The four forms of a request target (RFC 9112 §3.2). */
export const FORM_ORIGIN = 0
export const FORM_ABSOLUTE = 1
export const FORM_AUTHORITY = 2
export const FORM_ASTERISK = 3

export class RequestHead {
  readonly fields: Fields = new Fields()
  method = ''
  version = HTTP_1_1
  form = FORM_ORIGIN
  /** 'http' or 'https': how the client reached us, or how a trusted proxy says it did. */
  scheme = 'http'
  /** The host that is asked for, lower case, without port; IPv6 in brackets. '' for HTTP/1.0 without Host. */
  host = ''
  /** The port in Host or :authority, -1 when there is none. */
  port = -1
  /** host[:port] as the client wrote it, lower-cased. */
  authority = ''
  /** Path and query as received, in origin form ('/a?b'), or '*', or '' for authority form. Never a fragment. */
  target = ''
  /** Index of '?' in `target`, or its length. */
  queryStart = 0
  /** The path to route on: percent-encoding of unreserved characters undone, dot segments resolved (RFC 3986 §6.2.2). */
  path = ''
  bodyLength = BODY_NONE
  /** `Expect: 100-continue` was sent, and nothing has answered it yet. */
  expectsContinue = false
  /** TE: trailers was sent: the client keeps trailers. */
  acceptsTrailers = false
  /** The protocol requested by Upgrade or :protocol, in lower case; '' for none. */
  upgrade = ''
  /** HTTP/1: the connection may serve another request after this one. */
  persistent = true

  reset(): void {
    this.fields.clear()
    this.method = ''
    this.version = HTTP_1_1
    this.form = FORM_ORIGIN
    this.scheme = 'http'
    this.host = ''
    this.port = -1
    this.authority = ''
    this.target = ''
    this.queryStart = 0
    this.path = ''
    this.bodyLength = BODY_NONE
    this.expectsContinue = false
    this.acceptsTrailers = false
    this.upgrade = ''
    this.persistent = true
  }

  /** Copies everything of `other` but its body: what a child asks on behalf of its exchange. */
  copyFrom(other: RequestHead): void {
    this.reset()
    this.fields.copyFrom(other.fields)
    this.method = other.method
    this.version = other.version
    this.form = other.form
    this.scheme = other.scheme
    this.host = other.host
    this.port = other.port
    this.authority = other.authority
    this.target = other.target
    this.queryStart = other.queryStart
    this.path = other.path
    this.acceptsTrailers = other.acceptsTrailers
  }

  /** The query with its '?', '' when there is none. */
  get query(): string {
    return this.queryStart === this.target.length ? '' : this.target.slice(this.queryStart)
  }
}

export class ResponseHead {
  readonly fields: Fields = new Fields()
  status = 0
  /** '' sends the standard phrase. */
  reason = ''
  version = HTTP_1_1
  /** The length of the body that follows: 0 for HEAD, 204 and 304 whatever the fields say (RFC 9112 §6.3). */
  bodyLength = BODY_NONE
  /** Content-Length as the origin stated it, also where no body follows (HEAD, 304); -1 when it did not. */
  statedLength = -1
  /** The protocol switched to by 101 (or 200 to an extended CONNECT); '' for none. */
  upgrade = ''
  /** HTTP/1: the origin's connection may be used again. */
  persistent = true

  reset(): void {
    this.fields.clear()
    this.status = 0
    this.reason = ''
    this.version = HTTP_1_1
    this.bodyLength = BODY_NONE
    this.statedLength = -1
    this.upgrade = ''
    this.persistent = true
  }
}

/** Methods that are safe to send twice (RFC 9110 §9.2.2). An unknown method is not. */
export function isIdempotent(method: string): boolean {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'OPTIONS':
    case 'TRACE':
    case 'PUT':
    case 'DELETE':
    case 'QUERY':
      return true
    default:
      return false
  }
}
