/**
 * The field names that Headgate knows, each with a small number, so that a lookup is an array access and a rule ("is
 * it hop-by-hop?") a bit test. Other names are carried all the same, and found by their text.
 */

let count = 1
const names: string[] = ['']
const flagBits: number[] = [0]

/** Concerns this hop only and is never forwarded (RFC 9110 §7.6.1). */
export const HOP_BY_HOP = 1
/** Delimits messages: always written by the codec, never copied (RFC 9112 §6). */
export const FRAMING = 2
/** May stand once only; two of it are two readings. */
export const SINGLETON = 4
/** Must not be nominated by Connection, since removing it would change what is meant. */
export const END_TO_END = 8
/** Forbidden in a trailer section (RFC 9110 §6.5.1). */
export const NOT_IN_TRAILER = 16

function field(name: string, bits = 0): number {
  names.push(name)
  flagBits.push(bits)
  return count++
}

/** 0 stands for a field that is not in this table. */
export const Field = {
  HOST: field('host', FRAMING | SINGLETON | END_TO_END | NOT_IN_TRAILER),
  CONTENT_LENGTH: field('content-length', FRAMING | SINGLETON | END_TO_END | NOT_IN_TRAILER),
  TRANSFER_ENCODING: field('transfer-encoding', HOP_BY_HOP | FRAMING | NOT_IN_TRAILER),
  CONNECTION: field('connection', HOP_BY_HOP | FRAMING | NOT_IN_TRAILER),
  KEEP_ALIVE: field('keep-alive', HOP_BY_HOP | NOT_IN_TRAILER),
  PROXY_CONNECTION: field('proxy-connection', HOP_BY_HOP | NOT_IN_TRAILER),
  TE: field('te', HOP_BY_HOP | NOT_IN_TRAILER),
  UPGRADE: field('upgrade', HOP_BY_HOP | NOT_IN_TRAILER),
  HTTP2_SETTINGS: field('http2-settings', HOP_BY_HOP | NOT_IN_TRAILER),
  PROXY_AUTHENTICATE: field('proxy-authenticate', HOP_BY_HOP | NOT_IN_TRAILER),
  PROXY_AUTHORIZATION: field('proxy-authorization', HOP_BY_HOP | NOT_IN_TRAILER),
  TRAILER: field('trailer', NOT_IN_TRAILER),
  EXPECT: field('expect', NOT_IN_TRAILER),
  MAX_FORWARDS: field('max-forwards', SINGLETON | NOT_IN_TRAILER),
  VIA: field('via', END_TO_END | NOT_IN_TRAILER),
  CDN_LOOP: field('cdn-loop', END_TO_END | NOT_IN_TRAILER),
  FORWARDED: field('forwarded', END_TO_END | NOT_IN_TRAILER),
  X_FORWARDED_FOR: field('x-forwarded-for', END_TO_END | NOT_IN_TRAILER),
  X_FORWARDED_HOST: field('x-forwarded-host', END_TO_END | NOT_IN_TRAILER),
  X_FORWARDED_PROTO: field('x-forwarded-proto', END_TO_END | NOT_IN_TRAILER),
  X_FORWARDED_PORT: field('x-forwarded-port', END_TO_END | NOT_IN_TRAILER),
  X_REAL_IP: field('x-real-ip', END_TO_END | NOT_IN_TRAILER),
  CLIENT_CERT: field('client-cert', END_TO_END | NOT_IN_TRAILER),
  CLIENT_CERT_CHAIN: field('client-cert-chain', END_TO_END | NOT_IN_TRAILER),
  X_REQUEST_ID: field('x-request-id', END_TO_END | NOT_IN_TRAILER),
  AUTHORIZATION: field('authorization', END_TO_END | NOT_IN_TRAILER),
  COOKIE: field('cookie', END_TO_END | NOT_IN_TRAILER),
  USER_AGENT: field('user-agent'),
  REFERER: field('referer'),
  ORIGIN: field('origin'),
  ACCEPT: field('accept'),
  ACCEPT_ENCODING: field('accept-encoding'),
  ACCEPT_LANGUAGE: field('accept-language'),
  RANGE: field('range', NOT_IN_TRAILER),
  IF_MATCH: field('if-match', NOT_IN_TRAILER),
  IF_NONE_MATCH: field('if-none-match', NOT_IN_TRAILER),
  IF_MODIFIED_SINCE: field('if-modified-since', NOT_IN_TRAILER),
  IF_UNMODIFIED_SINCE: field('if-unmodified-since', NOT_IN_TRAILER),
  IF_RANGE: field('if-range', NOT_IN_TRAILER),
  CACHE_CONTROL: field('cache-control', END_TO_END | NOT_IN_TRAILER),
  PRAGMA: field('pragma', NOT_IN_TRAILER),
  SEC_WEBSOCKET_KEY: field('sec-websocket-key', NOT_IN_TRAILER),
  SEC_WEBSOCKET_ACCEPT: field('sec-websocket-accept', NOT_IN_TRAILER),
  CONTENT_TYPE: field('content-type', END_TO_END | NOT_IN_TRAILER),
  CONTENT_ENCODING: field('content-encoding', END_TO_END | NOT_IN_TRAILER),
  CONTENT_RANGE: field('content-range', END_TO_END | NOT_IN_TRAILER),
  CONTENT_LOCATION: field('content-location', NOT_IN_TRAILER),
  ACCEPT_RANGES: field('accept-ranges'),
  AGE: field('age', NOT_IN_TRAILER),
  DATE: field('date', NOT_IN_TRAILER),
  ETAG: field('etag'),
  EXPIRES: field('expires', NOT_IN_TRAILER),
  LAST_MODIFIED: field('last-modified'),
  LOCATION: field('location', NOT_IN_TRAILER),
  REFRESH: field('refresh', NOT_IN_TRAILER),
  RETRY_AFTER: field('retry-after', NOT_IN_TRAILER),
  SERVER: field('server'),
  X_POWERED_BY: field('x-powered-by'),
  SET_COOKIE: field('set-cookie', END_TO_END | NOT_IN_TRAILER),
  VARY: field('vary', END_TO_END | NOT_IN_TRAILER),
  ALT_SVC: field('alt-svc'),
  STRICT_TRANSPORT_SECURITY: field('strict-transport-security'),
  PROXY_STATUS: field('proxy-status'),
  CACHE_STATUS: field('cache-status'),
  CDN_CACHE_CONTROL: field('cdn-cache-control'),
  SURROGATE_KEY: field('surrogate-key'),
  CACHE_TAG: field('cache-tag'),
  XKEY: field('xkey'),
  CACHE_GROUPS: field('cache-groups'),
  CACHE_GROUP_INVALIDATION: field('cache-group-invalidation'),
  PROXY_AUTHENTICATION_INFO: field('proxy-authentication-info'),
  NO_VARY_SEARCH: field('no-vary-search'),
  SERVER_TIMING: field('server-timing'),
  CONTENT_DIGEST: field('content-digest'),
  CONTENT_MD5: field('content-md5'),
  ACCESS_CONTROL_ALLOW_ORIGIN: field('access-control-allow-origin'),
  ACCESS_CONTROL_ALLOW_CREDENTIALS: field('access-control-allow-credentials'),
  ACCESS_CONTROL_EXPOSE_HEADERS: field('access-control-expose-headers'),
  TIMING_ALLOW_ORIGIN: field('timing-allow-origin'),
  CROSS_ORIGIN_RESOURCE_POLICY: field('cross-origin-resource-policy'),
} as const satisfies Record<string, number>

/** One more than the largest known number: the length of arrays indexed by it. */
export const knownFieldCount: number = count

/** The lower-case name of a known field. */
export function fieldName(id: number): string {
  return names[id] ?? ''
}

/** The flags of a known field; 0 for one that is not known. */
export function fieldFlags(id: number): number {
  return flagBits[id] ?? 0
}

const idByName = new Map(names.map((name, id) => [name, id] as const))

/** The number of a lower-case name, 0 when it is not known. */
export function fieldId(lowerName: string): number {
  return idByName.get(lowerName) ?? 0
}

/*
 * For the head readers: names found by length and two letters, without making a string. A bucket holds at most a few
 * candidates, chained through `nextInBucket`, and the bytes decide.
 */
const bucketCount = 512
const bucketFirst = new Uint8Array(bucketCount)
const nextInBucket = new Uint8Array(count)
const nameBytes: Uint8Array[] = names.map((name) => Uint8Array.from(Buffer.from(name, 'latin1')))

function bucketOf(length: number, first: number, last: number): number {
  return (length * 31 + (first | 0x20) * 7 + (last | 0x20)) & (bucketCount - 1)
}

for (let id = 1; id < count; id++) {
  const bytes = nameBytes[id] as Uint8Array
  const bucket = bucketOf(bytes.length, bytes[0] as number, bytes[bytes.length - 1] as number)
  nextInBucket[id] = bucketFirst[bucket] as number
  bucketFirst[bucket] = id
}

/** The number of the name in `buffer[start, end)`, whatever its case; 0 when it is not known. */
export function fieldIdAt(buffer: Uint8Array, start: number, end: number): number {
  const length = end - start
  const bucket = bucketOf(length, buffer[start] as number, buffer[end - 1] as number)
  for (let id = bucketFirst[bucket] as number; id !== 0; id = nextInBucket[id] as number) {
    const bytes = nameBytes[id] as Uint8Array
    if (bytes.length !== length) continue
    let i = 0
    // Both are tokens: setting bit 5 folds the letters, and '-' has it set already.
    while (i < length && ((buffer[start + i] as number) | 0x20) === bytes[i]) i++
    if (i === length) return id
  }
  return 0
}

/**
 * By number, 1: an answer in HTTP/2 or HTTP/3 is sent without it. What belongs to a connection (RFC 9113 §8.2.2, RFC 9114
 * §4.2), and what delimits messages, which is written from what we know. A field that was taken out has the number 255.
 */
export const isLeftOutOfStreams: Uint8Array = Uint8Array.from({ length: 256 }, (_, id) =>
  id >= knownFieldCount || (fieldFlags(id) & FRAMING) !== 0 ? 1 : 0,
)
for (const id of [Field.KEEP_ALIVE, Field.PROXY_CONNECTION, Field.UPGRADE, Field.TE, Field.HTTP2_SETTINGS])
  isLeftOutOfStreams[id] = 1

/** Is it of one connection, so that HTTP/2 and HTTP/3 have no place for it (RFC 9113 §8.2.2, RFC 9114 §4.2)? */
export function isOfConnection(id: number): boolean {
  switch (id) {
    case Field.CONNECTION:
    case Field.TRANSFER_ENCODING:
    case Field.UPGRADE:
    case Field.KEEP_ALIVE:
    case Field.PROXY_CONNECTION:
      return true
    default:
      return false
  }
}
