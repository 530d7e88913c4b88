/**
 * THE table of why an answer is stored or not: positive codes are a yes and name where its freshness comes from,
 * negative ones a no. It is read by `explain`, Cache-Status and the metrics, as reasons.ts is.
 */

/** Positive: stored. Negative: not. 0: nothing is decided yet. */
export type StoreReason = number

interface Row {
  readonly name: string
  readonly sentence: string
}

const yes: Row[] = [{ name: '', sentence: '' }]
const no: Row[] = [{ name: '', sentence: '' }]

function stored(name: string, sentence: string): StoreReason {
  yes.push({ name, sentence })
  return yes.length - 1
}

function refused(name: string, sentence: string): StoreReason {
  no.push({ name, sentence })
  return 1 - no.length
}

export const Storing = {
  TTL: stored('ttl', 'The config sets how long it is fresh.'),
  SHARED_MAX_AGE: stored('s-maxage', 'Fresh as long as s-maxage says.'),
  MAX_AGE: stored('max-age', 'Fresh as long as max-age says.'),
  EXPIRES: stored('expires', 'Fresh until Expires.'),
  HEURISTIC: stored(
    'heuristic',
    'The origin does not say how long it is fresh: estimated from Last-Modified.',
  ),
  STATIC: stored('static', 'The origin does not say how long it is fresh, but its type seldom changes.'),
  GRACE: stored('grace', 'Not fresh, but may be served while the origin is asked, or when it fails.'),
  VALIDATOR: stored('validator', 'Not fresh, but validation may spare the body.'),

  METHOD: refused('method', 'Answers to this method are not stored.'),
  STATUS: refused('status', 'An answer with this status is not stored.'),
  NO_STORE: refused('no-store', 'The origin forbids to store it (no-store).'),
  CLIENT_NO_STORE: refused('client-no-store', 'The client forbids to store the answer (no-store).'),
  PRIVATE: refused('private', 'It is for one user only (private).'),
  AUTHORIZATION: refused(
    'authorization',
    'The request was authorized, and the origin does not say that the answer is for everybody.',
  ),
  SET_COOKIE: refused('set-cookie', 'It sets a cookie, which is for one user only.'),
  VARY_ANY: refused('vary-any', 'It depends on more than the request (Vary: *).'),
  NOT_UNDERSTOOD: refused(
    'must-understand',
    'Only who understands its status may store it (must-understand).',
  ),
  NO_FRESHNESS: refused('no-freshness', 'It is never fresh, and nothing can validate it.'),
  PART: refused('part', 'It is a part of which is not said which.'),
  TTL_ZERO: refused('ttl-zero', 'The config says that it is not stored.'),
  LOCATION: refused(
    'content-location',
    'It answers a POST and does not name the URL of the request in Content-Location.',
  ),
  UPGRADE: refused('upgrade', 'The connection becomes a tunnel.'),
} as const satisfies Record<string, StoreReason>

function rowOf(reason: StoreReason): Row {
  return (reason > 0 ? yes[reason] : no[-reason]) as Row
}

/** In Cache-Status, logs and metrics. */
export function storeReasonName(reason: StoreReason): string {
  return rowOf(reason).name
}

/** For people. */
export function storeReasonSentence(reason: StoreReason): string {
  return rowOf(reason).sentence
}

/**
 * An older stored answer stays when this one is refused: the reason lies in the request, and says nothing about what
 * others may get. Otherwise the origin has spoken, and what is stored is out of date.
 */
export function keepsStored(reason: StoreReason): boolean {
  return reason === Storing.CLIENT_NO_STORE || reason === Storing.AUTHORIZATION || reason === Storing.METHOD
}
