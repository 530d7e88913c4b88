/**
 * What is learned of a request before it is routed: who asks, through whom, under which id, and whether it has been
 * here before. It also removes what nobody may see: fields nominated by Connection, and claims about the client.
 *
 * Promise: of a peer that is not trusted nothing is believed: its address is the client's, its scheme that of the
 * connection, its id is replaced. No match, variable or step sees what it claims.
 */
import { elementAtHop, listElements, readForwarded, walkChain, type ForwardedHop } from '../http/forwarded.ts'
import type { Exchange } from '../http/exchange.ts'
import { removeNominated } from '../http/forwarding.ts'
import { Field } from '../http/known-fields.ts'
import { RequestHead } from '../http/message.ts'
import { readAuthority } from '../http/target.ts'
import type { ForwardingPlan } from './plan.ts'
import { isSaneRequestId, type RequestIds } from './request-id.ts'

/**
 * Sets clientAddress, isPeerTrusted, scheme, host and requestId, and drops fields. Call it once, before
 * anything looks at them.
 */
export function identify(x: Exchange, plan: ForwardingPlan, ids: RequestIds): void {
  const peer = x.down.remoteAddress
  const { fields } = x.request
  x.clientAddress = peer
  x.requestIds = ids
  removeNominated(fields)
  x.request.scheme = x.down.encrypted ? 'https' : 'http'
  if (plan.isTrusted(peer)) {
    x.isPeerTrusted = true
    plan.claims.dropMisspelt(fields)
    believe(x, plan)
    if (plan.requestIdField !== '') {
      const sent = fields.getByName(plan.requestIdField.toLowerCase())
      if (sent !== undefined && isSaneRequestId(sent)) x.requestId = sent
    }
  } else {
    plan.claims.drop(fields)
  }
}

/** X-Forwarded-* where they are sent, else Forwarded: a proxy that writes both says the same in both. */
function believe(x: Exchange, plan: ForwardingPlan): void {
  const fields = x.request.fields
  const chain = fields.combined(Field.X_FORWARDED_FOR)
  if (chain !== undefined || fields.has(Field.X_FORWARDED_PROTO) || fields.has(Field.X_FORWARDED_HOST)) {
    const end = walkChain(chain === undefined ? [] : listElements(chain), x.clientAddress, plan)
    x.clientAddress = end.address
    believeScheme(x, elementAtHop(listElements(fields.combined(Field.X_FORWARDED_PROTO) ?? ''), end.hops))
    believeHost(x, elementAtHop(listElements(fields.combined(Field.X_FORWARDED_HOST) ?? ''), end.hops))
    return
  }
  const hops = readForwarded(fields.combined(Field.FORWARDED) ?? '')
  if (hops === null) return
  const nodes = hops.map((hop) => hop.for)
  const end = walkChain(nodes, x.clientAddress, plan)
  const hop = hops[hops.length - 1 - end.hops] as ForwardedHop
  x.clientAddress = end.address
  believeScheme(x, hop.proto)
  believeHost(x, hop.host)
}

function believeScheme(x: Exchange, scheme: string): void {
  const lower = scheme.toLowerCase()
  if (lower === 'http' || lower === 'https') x.request.scheme = lower
}

/** Claims are read into this head first: what cannot be read must leave the request as it is. */
const scratch = new RequestHead()

function believeHost(x: Exchange, authority: string): void {
  if (authority === '') return
  scratch.reset()
  if (readAuthority(authority, scratch) !== 0) return
  x.request.host = scratch.host
  x.request.port = scratch.port
  x.request.authority = scratch.authority
}

/** Has this request passed here before, by Via (RFC 9110 §7.6.3) or by CDN-Loop (RFC 8586)? */
export function hasPassedHere(x: Exchange, viaName: string): boolean {
  const fields = x.request.fields
  if (!fields.has(Field.VIA) && !fields.has(Field.CDN_LOOP)) return false
  const name = viaName.toLowerCase()
  const via = fields.combined(Field.VIA) ?? ''
  for (const element of via.split(',')) {
    // received-protocol RWS received-by [ RWS comment ]
    if (
      element
        .trim()
        .split(/[ \t]+/)[1]
        ?.toLowerCase() === name
    )
      return true
  }
  const loop = fields.combined(Field.CDN_LOOP) ?? ''
  return loop.split(',').some((element) => element.split(';')[0]?.trim().toLowerCase() === name)
}
