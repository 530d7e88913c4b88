/** Ask: what a step of a route wants from an origin for the cache, and by which rules the answer is kept. */
import type { Entry } from '../store/entry.ts'
import type { CachePolicy } from '../rules/policy.ts'
import type { Slice } from './slice.ts'
import type { VaryFolding } from '../keys/vary.ts'

/** The content of a request that asks by its content (QUERY, RFC 10008). */
export interface Content {
  readonly bytes: Buffer
}

export interface Ask {
  /** The primary key: requests for the same key wait for the same answer. */
  readonly key: string
  readonly site: string
  /** host[:port] as in keys, for purges by host. */
  readonly host: string
  /** 'https://host:port' that groups of Cache-Groups belong to. */
  readonly origin: string
  readonly policy: CachePolicy
  readonly folding: VaryFolding | null
  /** The stored answer to validate, which may also stand in for an origin that fails; null for none. */
  readonly stale: Entry | null
  /** The slice that is asked for; absent: the whole. */
  readonly slice?: Slice | null
  /** The content with which the origin is asked by QUERY; absent: it is asked by GET. */
  readonly content?: Content | null
}

/**
 * The key under which something is remembered about its answers: either all slices of an answer can be shared,
 * or none.
 */
export function memoryKeyOf({ key, slice = null }: Ask): string {
  return slice?.wholeKey ?? key
}
