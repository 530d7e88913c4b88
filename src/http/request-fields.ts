/**
 * The reader of request heads of HTTP/2 and HTTP/3 (RFC 9113 §8.3, §8.2; RFC 8441; RFC 9114 §4.3). What a decoder
 * reports either becomes a RequestHead, filled as an HTTP/1 reader would have filled it, or is refused.
 *
 * Promises: the result can be written as HTTP/1 with one reading (RFC 9113 §10.3): no connection-specific field, no
 * name that is not a lower-case token, no value with a line end or with space around it, one authority, one Cookie.
 * An extended CONNECT becomes a GET with `upgrade`, which is what it means in all higher rooms.
 */
import { isAllOf, tokenClass } from '../core/bytes.ts'
import { Faults, NONE, type Fault } from '../core/faults.ts'
import { Fields } from './fields.ts'
import { cleanTrailers } from './forwarding.ts'
import { readRequestFraming } from './framing.ts'
import { Field, isOfConnection } from './known-fields.ts'
import type { ConnectionLimits } from './limits.ts'
import { BODY_NONE, BODY_UNKNOWN, RequestHead } from './message.ts'
import { methodBytesMax, methodClass } from './methods.ts'
import { parseAuthority, readTarget, setAuthority, type Authority } from './target.ts'
import { entryOverheadBytes, Pseudo, type HeaderSink } from './pseudo-fields.ts'
import { priorityDefault, readPriority, type Priority } from './priority.ts'

const colon = 0x3a

/** One for the process: a head is read in one go. */
export class RequestFields implements HeaderSink {
  #head: RequestHead = new RequestHead()
  #limits: ConnectionLimits | null = null
  #fault: Fault = NONE
  #bytes = 0
  #count = 0
  #method = ''
  #scheme = ''
  #path = ''
  #authority = ''
  #hasAuthority = false
  #protocol = ''
  #priority = ''

  /** `version` is HTTP_2 or HTTP_3: their rules are the same (RFC 9114 §4.3). */
  begin(head: RequestHead, limits: ConnectionLimits, version: number): void {
    this.#head = head
    this.#limits = limits
    this.#fault = NONE
    this.#bytes = this.#count = 0
    this.#method = this.#scheme = this.#path = this.#authority = this.#protocol = this.#priority = ''
    this.#hasAuthority = false
    head.version = version
  }

  onHeader(name: string, value: string, known: number, isSecret: boolean): boolean {
    const limits = this.#limits as ConnectionLimits
    this.#bytes += name.length + value.length + entryOverheadBytes
    if (this.#bytes > limits.headBytesMax) return this.#refuse(Faults.HEAD_TOO_LARGE)
    if (known >= Pseudo.AUTHORITY) return this.#onPseudo(value, known)
    if (known < 0 || name.charCodeAt(0) === colon || isOfConnection(known))
      return this.#refuse(Faults.MESSAGE_MALFORMED)
    const { fields } = this.#head
    // A browser makes a crumb of each of its cookies: in HTTP/1 they all are one field. Their bytes have been counted.
    if (known === Field.COOKIE && fields.has(Field.COOKIE)) return this.#joinCookie(fields, value)
    if (++this.#count > limits.fieldsMax) return this.#refuse(Faults.FIELDS_TOO_MANY)
    switch (known) {
      case Field.TE:
        if (value !== 'trailers') return this.#refuse(Faults.MESSAGE_MALFORMED)
        break
      case Field.HOST:
        if (fields.has(Field.HOST)) return this.#refuse(Faults.HOST_REPEATED)
        break
      case 0:
        if (name === 'priority') this.#priority = value
    }
    fields.addNumbered(known, name, value, isSecret)
    return true
  }

  /** Crumbs are one Cookie again (RFC 9113 §8.2.3). */
  #joinCookie(fields: Fields, value: string): boolean {
    const i = (fields.first[Field.COOKIE] as number) - 1
    fields.setValueAt(i, `${fields.valueAt(i)}; ${value}`)
    return true
  }

  #onPseudo(value: string, known: number): boolean {
    // Behind a field, or twice, or of an answer (RFC 9113 §8.3).
    if (this.#count > 0) return this.#refuse(Faults.MESSAGE_MALFORMED)
    switch (known) {
      case Pseudo.METHOD:
        if (this.#method !== '' || value === '') break
        this.#method = value
        return true
      case Pseudo.SCHEME:
        if (this.#scheme !== '' || value === '') break
        this.#scheme = value
        return true
      case Pseudo.PATH:
        if (this.#path !== '' || value === '') break
        this.#path = value
        return true
      case Pseudo.AUTHORITY:
        if (this.#hasAuthority) break
        this.#hasAuthority = true
        this.#authority = value
        return true
      case Pseudo.PROTOCOL:
        if (this.#protocol !== '' || !isAllOf(tokenClass, value)) break
        this.#protocol = value.toLowerCase()
        return true
    }
    return this.#refuse(Faults.MESSAGE_MALFORMED)
  }

  /** Nothing more of it is of interest. */
  #refuse(fault: Fault): boolean {
    this.#fault = fault
    return false
  }

  /** What its Priority field says (RFC 9218 §5). */
  get priority(): Priority {
    return this.#priority === '' ? priorityDefault : readPriority(this.#priority)
  }

  /** The block has come. `ends`: and no body follows. NONE or a fault; MESSAGE_MALFORMED resets the stream. */
  finish(ends: boolean): Fault {
    const head = this.#head
    // As far as it is known, for the log.
    head.method = this.#method
    head.target = this.#path
    if (this.#fault !== NONE) return this.#fault
    if (this.#method === '') return Faults.MESSAGE_MALFORMED
    const isExtended = this.#protocol !== ''
    if (this.#method === 'CONNECT' && !isExtended)
      return this.#scheme === '' && this.#path === '' ? Faults.METHOD_NOT_SERVED : Faults.MESSAGE_MALFORMED
    if (isExtended && this.#method !== 'CONNECT') return Faults.MESSAGE_MALFORMED
    if (this.#scheme === '' || this.#path === '') return Faults.MESSAGE_MALFORMED
    if (this.#method !== 'GET' && this.#method !== 'POST') {
      if (!isAllOf(tokenClass, this.#method)) return Faults.METHOD_BAD
      if (this.#method.length > methodBytesMax || !isAllOf(methodClass, this.#method))
        return Faults.METHOD_NOT_SERVED
    }
    const fault = this.#readTarget(head)
    if (fault !== NONE) return fault
    return isExtended ? this.#readUpgrade(head, ends) : this.#readBody(head, ends)
  }

  #readTarget(head: RequestHead): Fault {
    const path = this.#path
    // Only these two forms are there (RFC 9113 §8.3.1).
    if (path.charCodeAt(0) !== 0x2f && path !== '*') return Faults.TARGET_BAD
    if (this.#scheme !== 'http' && this.#scheme !== 'https') return Faults.TARGET_BAD
    if (this.#protocol !== '') head.method = 'GET'
    const fault = readTarget(path, head)
    return fault === NONE ? this.#readAuthority(head) : fault
  }

  /** Where both are given they say the same (RFC 9113 §8.3.1). */
  #readAuthority(head: RequestHead): Fault {
    const { fields } = head
    const host = fields.get(Field.HOST)
    const text = this.#hasAuthority ? this.#authority : host
    if (text === undefined) return Faults.HOST_MISSING
    if (host !== undefined && host !== text && host.toLowerCase() !== text.toLowerCase())
      return Faults.MESSAGE_MALFORMED
    const authority = authorityOf(text)
    if (authority === null || authority.host === '') return Faults.HOST_BAD
    setAuthority(head, authority)
    if (host === undefined) fields.addKnown(Field.HOST, text)
    return NONE
  }

  /** What follows an extended CONNECT is no body (RFC 8441 §4). */
  #readUpgrade(head: RequestHead, ends: boolean): Fault {
    if (ends || head.fields.has(Field.CONTENT_LENGTH)) return Faults.MESSAGE_MALFORMED
    head.upgrade = this.#protocol
    return NONE
  }

  #readBody(head: RequestHead, ends: boolean): Fault {
    const fault = readRequestFraming(head)
    if (fault === Faults.LENGTH_BAD || fault === Faults.LENGTH_REPEATED) return Faults.MESSAGE_MALFORMED
    if (fault !== NONE) return fault
    if (ends) return head.bodyLength === BODY_NONE ? NONE : Faults.MESSAGE_MALFORMED
    if (!head.fields.has(Field.CONTENT_LENGTH)) {
      head.bodyLength = BODY_UNKNOWN
      head.expectsContinue = head.fields.has(Field.EXPECT)
    }
    return NONE
  }
}

/** An edge serves few names, many times over. Whoever sends ever new ones makes this slow for himself and no larger. */
const authorities = new Map<string, Authority>()
const authoritiesMax = 64

function authorityOf(text: string): Authority | null {
  const known = authorities.get(text)
  if (known !== undefined) return known
  const authority = parseAuthority(text)
  if (authority === null) return null
  if (authorities.size === authoritiesMax) authorities.clear()
  authorities.set(text, authority)
  return authority
}

/** A trailer section (RFC 9113 §8.1). */
export class TrailerFields implements HeaderSink {
  #fields: Fields = new Fields()
  #fault: Fault = NONE
  #bytesLeft = 0
  #countLeft = 0

  begin(fields: Fields, limits: ConnectionLimits): void {
    this.#fields = fields
    this.#fault = NONE
    this.#bytesLeft = limits.trailerBytesMax
    this.#countLeft = limits.fieldsMax
  }

  onHeader(name: string, value: string, known: number, isSecret: boolean): boolean {
    this.#bytesLeft -= name.length + value.length + entryOverheadBytes
    if (this.#bytesLeft < 0 || --this.#countLeft < 0) this.#fault = Faults.TRAILER_TOO_LARGE
    else if (known < 0 || name.charCodeAt(0) === colon || isOfConnection(known))
      this.#fault = Faults.MESSAGE_MALFORMED
    else this.#fields.addNumbered(known, name, value, isSecret)
    return this.#fault === NONE
  }

  finish(): Fault {
    if (this.#fault === NONE) cleanTrailers(this.#fields)
    return this.#fault
  }
}

/** Takes a block for the table's sake only. */
export const discard: HeaderSink = { onHeader: () => false }
