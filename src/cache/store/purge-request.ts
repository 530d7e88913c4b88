/** What can be purged, and the result of a purge: the terms that stores, commands and workers share. */

import { randomBytes } from 'node:crypto'

/** What is to be purged. `site` limits it to one site; left out, it concerns all. */
export type PurgeTarget =
  | { readonly kind: 'all'; readonly site?: string }
  | { readonly kind: 'host'; readonly host: string; readonly site?: string }
  | { readonly kind: 'tag'; readonly tag: string; readonly site?: string }
  /** Every entry whose host is this one (host[:port] as in the key) and whose target begins with `target`. */
  | { readonly kind: 'prefix'; readonly host: string; readonly target: string; readonly site?: string }
  /** Every variant of exactly this URL, in every zone and whatever else the operator put into the key. */
  | { readonly kind: 'url'; readonly host: string; readonly target: string; readonly site?: string }
  /** Every variant of this key. */
  | { readonly kind: 'key'; readonly key: string }

export interface PurgeRequest {
  readonly target: PurgeTarget
  /** Mark as stale instead of throwing out. */
  readonly isSoft?: boolean
  /** Count only. */
  readonly isDry?: boolean
  /** Tells the same purge again, in whatever ways it comes to a worker (`marked`). */
  readonly id?: string
}

/** Purges as they are told to several workers. */
export function marked(requests: readonly PurgeRequest[]): PurgeRequest[] {
  return requests.map((request) => ({ ...request, id: request.id ?? randomBytes(9).toString('base64url') }))
}

export interface PurgeReport {
  /** The purge's number. 0 for a dry run. */
  readonly generation: number
  /** Entries concerned; grows while `isCounted` is false. */
  readonly count: number
  readonly bytes: number
  /** Of them, those that are in no store beneath: where several stores have one beneath, each of these is counted once. */
  readonly ownCount: number
  readonly ownBytes: number
  /** The count is exact and final. A prefix is counted by a walk in the background. */
  readonly isCounted: boolean
}

/** What came of one purge in one process. */
export interface PurgeCounts {
  readonly above: PurgeReport
  /** In the store beneath; null: there is none, or it is counted by another process. */
  readonly below: PurgeReport | null
}
