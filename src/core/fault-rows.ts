/**
 * The rows of the table of faults (faults.ts): what is known about each fault, and the kinds that many of them share.
 */

/** Whose fault it is, which decides where it is logged and counted. */
export type FaultSide = 'client' | 'origin' | 'edge'

/**
 * May the request be sent again? `any`: yes, it was surely not processed. `if-reused`: only when the connection
 * had been used before and the method is idempotent.
 */
export type FaultRetry = 'any' | 'if-reused' | 'never'

export type FaultLevel = 'debug' | 'info' | 'warn' | 'error'

export interface FaultRow {
  /** Its name in logs and metrics; the error type of RFC 9209 §2.3 where one fits. */
  readonly name: string
  /** The status that the client gets, if it can still get one; 0: the client is gone or has asked for nothing. */
  readonly status: number
  readonly side: FaultSide
  readonly retry: FaultRetry
  /** The client's connection cannot be trusted afterwards and is closed. */
  readonly closes: boolean
  readonly level: FaultLevel
  /** What happened, for people. It names no origin: error pages may show it. */
  readonly sentence: string
  /** RFC 9209 §2.3 proxy error type. */
  readonly proxyStatus: string
}

/** A fault, by its number in the table. 0 means no fault. */
export type Fault = number

export const rows: FaultRow[] = [
  {
    name: 'none',
    status: 0,
    side: 'edge',
    retry: 'never',
    closes: false,
    level: 'debug',
    sentence: 'No fault.',
    proxyStatus: '',
  },
]

export function row(
  name: string,
  status: number,
  side: FaultSide,
  sentence: string,
  more: Partial<Pick<FaultRow, 'retry' | 'closes' | 'level' | 'proxyStatus'>> = {},
): Fault {
  rows.push({
    name,
    status,
    side,
    sentence,
    retry: more.retry ?? 'never',
    closes: more.closes ?? false,
    level: more.level ?? (side === 'client' ? 'info' : side === 'origin' ? 'warn' : 'error'),
    proxyStatus: more.proxyStatus ?? (side === 'client' ? 'http_request_error' : 'http_protocol_error'),
  })
  return rows.length - 1
}

export const badRequest = (name: string, sentence: string, status = 400): Fault =>
  row(name, status, 'client', sentence, { closes: true })

/** A client broke a rule of HTTP/2: there is no answer; its stream is reset, or its connection ends. */
export const broken = (name: string, sentence: string): Fault =>
  row(name, 0, 'client', sentence, { closes: true, proxyStatus: 'http_protocol_error' })

export const denied = (name: string, status: number, sentence: string): Fault =>
  row(name, status, 'client', sentence, { proxyStatus: 'http_request_denied' })

export const badAnswer = (name: string, sentence: string): Fault => row(name, 502, 'origin', sentence)

/** A server could not be asked at all; the name is that of RFC 9209 §2.3. */
export const unreached = (name: string, status: number, sentence: string): Fault =>
  row(name, status, 'origin', sentence, { retry: 'any', proxyStatus: name })

/** A server has not looked at the request, for a reason of its protocol. */
export const unseen = (name: string, sentence: string, level: FaultLevel = 'warn'): Fault =>
  row(name, 502, 'origin', sentence, { retry: 'any', level })

export const badCertificate = (name: string, sentence: string): Fault =>
  row(name, 502, 'origin', sentence, { retry: 'any', proxyStatus: 'tls_certificate_error' })

/** A handshake failed: nothing has been asked yet. */
export const badHandshake = (name: string, sentence: string): Fault =>
  row(name, 0, 'client', sentence, { closes: true, level: 'debug' })

/**
 * A connection is closed as it arrives: when this matters it happens thousands of times a second, so it is
 * counted and not logged.
 */
export const turnedAway = (name: string, sentence: string): Fault =>
  row(name, 0, 'client', sentence, { closes: true, level: 'debug', proxyStatus: 'http_request_denied' })
