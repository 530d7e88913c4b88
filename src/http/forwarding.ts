/**
 * Edits the header section of a request on its way to the origin (RFC 9110 §7.6, RFC 7239): fields that concern the
 * client's hop are removed, ours are added. What Connection nominates, and what untrusted peers claim (claims.ts),
 * was removed when the request arrived; what steps have set since then is the operator's, and no client can take it
 * away.
 *
 * Promises: no field that delimits a message, names a host or identifies the client can be removed by nominating it;
 * what remains of a trusted chain begins with the client that we believe in.
 *
 * The straight path (an untrusted peer, a Connection field that nominates nothing) tests bits and adds made fields;
 * it cuts no string.
 */
import type { ClientIdentity } from '../net/security.ts'
import type { Exchange } from './exchange.ts'
import type { Fields } from './fields.ts'
import { listElements, nodeAddress, readForwarded } from './forwarded.ts'
import {
  END_TO_END,
  FRAMING,
  Field,
  HOP_BY_HOP,
  NOT_IN_TRAILER,
  fieldFlags,
  fieldId,
  knownFieldCount,
} from './known-fields.ts'
import { HTTP_1_0, HTTP_1_1, HTTP_2, HTTP_3 } from './message.ts'

/** Which of our fields are sent. */
export interface ForwardingFields {
  readonly sendForwarded: boolean
  readonly sendXForwarded: boolean
  /** '' sends none. */
  readonly requestIdField: string
  readonly viaName: string
  readonly sendVia: boolean
}

/** Hop-by-hop fields other than those that the codec never copies. */
const hopByHop: number[] = []
for (let id = 1; id < knownFieldCount; id++) {
  if ((fieldFlags(id) & HOP_BY_HOP) !== 0 && (fieldFlags(id) & FRAMING) === 0) hopByHop.push(id)
}

/**
 * Adds and removes fields of requests as one deployment is configured. It is made once and keeps nothing of a
 * request.
 */
export class Forwarding {
  readonly #plan: ForwardingFields
  readonly #requestIdId: number
  readonly #via: Readonly<Record<number, string>>

  constructor(plan: ForwardingFields) {
    this.#plan = plan
    this.#requestIdId = fieldId(plan.requestIdField.toLowerCase())
    this.#via = viaTexts(plan.viaName)
  }

  /**
   * Turns the fields of `x.request` into those of the request to the origin. Call it once, before the first
   * attempt.
   */
  edit(x: Exchange): void {
    const { fields } = x.request
    removeHopByHopKnown(fields, false)
    if (x.isPeerTrusted) this.#tellTrusted(x, fields)
    else this.#tell(x, fields)
    const client = x.down.guard?.client ?? null
    if (client !== null) tellCertificate(fields, client)
    if (this.#plan.sendVia) fields.addKnown(Field.VIA, this.viaOf(x.request.version))
    // The guard against loops must not depend on Via, which may be turned off.
    if (!this.#plan.sendVia || fields.has(Field.CDN_LOOP)) fields.addKnown(Field.CDN_LOOP, this.#plan.viaName)
    if (this.#requestIdId !== 0) fields.setKnown(this.#requestIdId, x.requestId)
    else if (this.#plan.requestIdField !== '') fields.set(this.#plan.requestIdField, x.requestId)
  }

  #tell(x: Exchange, fields: Fields): void {
    const { request } = x
    const peer = x.down.remoteAddress
    if (this.#plan.sendXForwarded) {
      if (peer !== '') fields.setKnown(Field.X_FORWARDED_FOR, peer)
      if (request.authority !== '') fields.setKnown(Field.X_FORWARDED_HOST, request.authority)
      fields.setKnown(Field.X_FORWARDED_PROTO, request.scheme)
    }
    if (this.#plan.sendForwarded) fields.setKnown(Field.FORWARDED, forwardedText(x, [peer]))
  }

  /**
   * The chain of a trusted peer is kept from the client that we believe in onward, even if we add nothing to
   * it, since what is to the left of that client is made up.
   */
  #tellTrusted(x: Exchange, fields: Fields): void {
    const { authority, scheme } = x.request
    const { sendXForwarded, sendForwarded } = this.#plan
    const chain = believedChain(x, fields)
    replace(fields, Field.X_FORWARDED_FOR, sendXForwarded, chain.filter((node) => node !== '').join(', '))
    replace(fields, Field.X_FORWARDED_HOST, sendXForwarded, authority)
    replace(fields, Field.X_FORWARDED_PROTO, sendXForwarded, scheme)
    if (sendForwarded || fields.has(Field.FORWARDED))
      fields.setKnown(Field.FORWARDED, forwardedText(x, chain))
  }

  /** Our element of Via for a message that was received in `version` (RFC 9110 §7.6.3). */
  viaOf(version: number): string {
    return this.#via[version] as string
  }

  /** Adds it to an answer that was received in `version`, if Via is sent at all. A gateway may (RFC 9110 §7.6.3). */
  addVia(fields: Fields, version: number): void {
    if (this.#plan.sendVia) fields.addKnown(Field.VIA, this.viaOf(version))
  }
}

/** The fields of a client whose certificate we have verified (RFC 9440 §2). */
function tellCertificate(fields: Fields, client: ClientIdentity): void {
  fields.setKnown(Field.CLIENT_CERT, client.certificateField)
  if (client.chainField === '') fields.removeKnown(Field.CLIENT_CERT_CHAIN)
  else fields.setKnown(Field.CLIENT_CERT_CHAIN, client.chainField)
}

/** Replaces what was claimed by what is known; it is added only if it `isSent`. */
function replace(fields: Fields, id: number, isSent: boolean, value: string): void {
  if (value === '') fields.removeKnown(id)
  else if (isSent || fields.has(id)) fields.setKnown(id, value)
}

function viaTexts(name: string): Readonly<Record<number, string>> {
  return {
    [HTTP_1_0]: `1.0 ${name}`,
    [HTTP_1_1]: `1.1 ${name}`,
    [HTTP_2]: `2.0 ${name}`,
    [HTTP_3]: `3.0 ${name}`,
  }
}

/**
 * Removes what concerns one hop only: the known fields, and those that Connection nominates (RFC 9110 §7.6.1).
 * What our own hop needs of it (TE, Upgrade, Expect) the codec writes. `keepsUpgrade` is for a 426, which must
 * have that field.
 */
export function removeHopByHop(fields: Fields, keepsUpgrade: boolean): void {
  removeNominated(fields)
  removeHopByHopKnown(fields, keepsUpgrade)
}

function removeHopByHopKnown(fields: Fields, keepsUpgrade: boolean): void {
  for (const id of hopByHop) {
    if (fields.first[id] !== 0 && !(keepsUpgrade && id === Field.UPGRADE)) fields.removeKnown(id)
  }
}

/**
 * Removes what Connection nominates, except what every hop knows to be its own, which may still be needed. It
 * is called as a request arrives; a step that sets a field later must not lose it to the client's nomination.
 */
export function removeNominated(fields: Fields): void {
  if (fields.first[Field.CONNECTION] === 0) return
  const nominated = fields.combined(Field.CONNECTION) as string
  // Nearly all say exactly this.
  if (nominated === 'keep-alive' || nominated === 'close' || nominated === 'Keep-Alive') return
  // One walk over the fields, however many names: thousands fit into a head.
  const names = new Set(nominated.split(',').map((element) => element.trim().toLowerCase()))
  for (let i = 0; i < fields.size; i++) {
    if (!fields.isLive(i) || isProtected(fields.idAt(i))) continue
    if (names.has(fields.nameAt(i).toLowerCase())) fields.removeAt(i)
  }
}

/** Removing Expect would leave the client waiting for an answer that nobody was asked for. */
function isProtected(id: number): boolean {
  return id === Field.EXPECT || (fieldFlags(id) & (END_TO_END | FRAMING | HOP_BY_HOP)) !== 0
}

/**
 * Takes out of a trailer section what must not stand in one (RFC 9110 §6.5.1), also as a CGI-like origin reads it: some merge
 * trailers into the header section, and 'X_Forwarded_For' is X-Forwarded-For to them. Who is trusted makes no difference: nobody
 * tells of clients in a trailer.
 */
export function cleanTrailers(fields: Fields): void {
  for (let i = 0; i < fields.size; i++) if (fields.isLive(i) && isNoTrailer(fields, i)) fields.removeAt(i)
}

function isNoTrailer(fields: Fields, i: number): boolean {
  const forbidden = NOT_IN_TRAILER | HOP_BY_HOP | FRAMING
  const id = fields.idAt(i)
  if (id !== 0) return (fieldFlags(id) & forbidden) !== 0
  const name = fields.nameAt(i).toLowerCase().replaceAll('_', '-')
  return name.startsWith('x-forwarded-') || (fieldFlags(fieldId(name)) & forbidden) !== 0
}

/**
 * The addresses from the client that we believe in to the peer: what stands left of the client is made up. The peer
 * alone when it tells of nobody.
 */
function believedChain(x: Exchange, fields: Fields): string[] {
  const sent = fields.combined(Field.X_FORWARDED_FOR)
  const nodes =
    sent === undefined
      ? (readForwarded(fields.combined(Field.FORWARDED) ?? '') ?? []).map((hop) => hop.for)
      : listElements(sent)
  const addresses = nodes.map(nodeAddress)
  const from = addresses.lastIndexOf(x.clientAddress)
  const chain = from < 0 ? [] : addresses.slice(from)
  chain.push(x.down.remoteAddress)
  return chain
}

/** A Forwarded value (RFC 7239 §4): an element a hop, the first with the host and scheme that the client asked with. */
function forwardedText(x: Exchange, chain: readonly string[]): string {
  const { authority, scheme } = x.request
  const host = authority === '' ? '' : `;host=${quotedUnlessToken(authority)}`
  let value = `for=${forwardedNode(chain[0] ?? '')}${host};proto=${scheme}`
  for (let i = 1; i < chain.length; i++) value += `, for=${forwardedNode(chain[i] as string)}`
  return value
}

/** A node identifier (RFC 7239 §6): IPv6 in brackets, and so in quotes; 'unknown' for a peer on a unix socket. */
export function forwardedNode(address: string): string {
  if (address === '') return 'unknown'
  return address.includes(':') ? `"[${address}]"` : address
}

function quotedUnlessToken(value: string): string {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`
}
