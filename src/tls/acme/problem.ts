/**
 * What goes wrong with a CA, as sentences for the log, and when it makes sense to try again. Problem documents are
 * those of RFC 8555 §6.7 (and RFC 9457). Their text comes from the CA, so it is shortened and its control characters
 * are removed before it comes near a log.
 */

/**
 * `wait`: the CA wants to be left alone for a while (rate limits). `refused`: it will say the same until something is
 * changed. `failed`: it could not confirm the name; counts against its limits. `unreachable`: it was not there, or had
 * trouble of its own; a try costs nothing.
 */
export type AcmeErrorKind = 'wait' | 'refused' | 'failed' | 'unreachable'

export class AcmeError extends Error {
  readonly kind: AcmeErrorKind
  /** The last part of the problem's type, such as 'badNonce'; '' for none. */
  readonly type: string
  /** HTTP status; 0 when there was no answer. */
  readonly status: number
  /** How long the CA asks us to wait; 0 when it does not say. */
  readonly retryAfterMs: number

  constructor(
    kind: AcmeErrorKind,
    message: string,
    more: { readonly type?: string; readonly status?: number; readonly retryAfterMs?: number } = {},
  ) {
    super(message)
    this.name = 'AcmeError'
    this.kind = kind
    this.type = more.type ?? ''
    this.status = more.status ?? 0
    this.retryAfterMs = more.retryAfterMs ?? 0
  }
}

const prefix = 'urn:ietf:params:acme:error:'

/** How many characters of the CA's own text are kept. */
export const detailMax = 400

const failedTypes: ReadonlySet<string> = new Set([
  'caa',
  'connection',
  'dns',
  'dnssec',
  'incorrectResponse',
  'tls',
  'unauthorized',
])

const remedies: Readonly<Record<string, string>> = {
  caa: 'a CAA record of the domain names other authorities',
  connection: 'the CA could not connect to this server under that name',
  dns: 'the name could not be looked up',
  externalAccountRequired: 'this CA wants tls.acme.eab: a key id and a key from your account there',
  incorrectResponse: 'another server answered for that name',
  rateLimited: 'the CA has a limit, and it is reached',
  rejectedIdentifier: 'the CA does not give certificates for that name',
  tls: 'the CA could not shake hands with this server under that name',
  unauthorized: 'another server answered for that name',
  unsupportedIdentifier: 'the CA does not know this kind of name',
  userActionRequired: 'the CA waits for you to do something',
}

/** What a problem document says, in one sentence, including the sub-problems that name identifiers. */
export function describeProblem(value: unknown): { readonly type: string; readonly sentence: string } {
  const problem = isRecord(value) ? value : {}
  const type = typeOf(problem)
  const detail = plain(problem['detail'])
  const hint = remedies[type] ?? ''
  const parts = [hint, detail].filter((part) => part !== '')
  const sentence = parts.length === 0 ? (type === '' ? 'it gives no reason' : type) : parts.join(': ')
  const subproblems = Array.isArray(problem['subproblems']) ? problem['subproblems'] : []
  const more = subproblems.slice(0, 5).map((sub: unknown) => subSentence(sub))
  const text = more.length === 0 ? sentence : `${sentence} (${more.join('; ')})`
  return { type, sentence: type === '' ? text : `${text} [${type}]` }
}

function subSentence(value: unknown): string {
  const sub = isRecord(value) ? value : {}
  const identifier = isRecord(sub['identifier']) ? plain(sub['identifier']['value']) : ''
  const detail = plain(sub['detail']) || typeOf(sub)
  return identifier === '' ? detail : `${identifier}: ${detail}`
}

/** The error for an answer that tells of a problem. `doing` is what was asked, as 'a new order'. */
export function errorOf(doing: string, status: number, body: unknown, retryAfterMs: number): AcmeError {
  const { type, sentence } = describeProblem(body)
  const more = { type, status, retryAfterMs }
  const message = `the CA refused ${doing} (${status}): ${sentence}`
  return new AcmeError(kindOf(type, status), message, more)
}

function kindOf(type: string, status: number): AcmeErrorKind {
  if (type === 'rateLimited' || status === 429) return 'wait'
  if (failedTypes.has(type)) return 'failed'
  return status >= 500 || status === 0 ? 'unreachable' : 'refused'
}

function typeOf(problem: Readonly<Record<string, unknown>>): string {
  const type = typeof problem['type'] === 'string' ? problem['type'] : ''
  return plain(type.startsWith(prefix) ? type.slice(prefix.length) : type === 'about:blank' ? '' : type)
}

/** Text from others for a log line: without control characters, and cut to a bound. */
export function plain(value: unknown): string {
  if (typeof value !== 'string') return ''
  // oxlint-disable-next-line no-control-regex
  const text = value.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim()
  return text.length > detailMax ? text.slice(0, detailMax) + '…' : text
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
