/**
 * Renewal information (RFC 9773): when the CA would like a certificate to be renewed, such as before it revokes many.
 */
import type { AcmeClient } from './client.ts'
import { textOf } from './client.ts'
import { isRecord } from './problem.ts'
import { renewalInfoAfterMs, type RenewalWindow } from './schedule.ts'

export interface RenewalInfo {
  readonly window: RenewalWindow
  /** The URL of a page that says why; '' for none. */
  readonly explanation: string
  /** How long until the next look. */
  readonly againMs: number
}

/**
 * Resolves to null when this CA has none, or what it says makes no sense. Rejects with an AcmeError when it
 * cannot be asked.
 */
export async function readRenewalInfo(
  client: AcmeClient,
  renewalId: string,
  signal?: AbortSignal,
): Promise<RenewalInfo | null> {
  const { renewalInfo } = await client.directory(signal)
  if (renewalInfo === '' || renewalId === '') return null
  const url = `${renewalInfo.replace(/\/$/, '')}/${renewalId}`
  const { json, retryAfterMs } = await client.get(url, 'renewal information', signal)
  const suggested = isRecord(json['suggestedWindow']) ? json['suggestedWindow'] : {}
  const startMs = Date.parse(textOf(suggested['start']))
  const endMs = Date.parse(textOf(suggested['end']))
  // An end that is not after the start is no window (RFC 9773 §4.2).
  if (!(endMs > startMs)) return null
  const page = textOf(json['explanationURL'])
  return {
    window: { startMs, endMs },
    explanation: /^https?:\/\/[\x21-\x7e]{1,500}$/.test(page) ? page : '',
    againMs: renewalInfoAfterMs(retryAfterMs),
  }
}
