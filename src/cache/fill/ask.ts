/** Ask: what a step of a route wants from an origin for the cache, and by which rules the answer is kept. */
import type { Entry } from '../store/entry.ts'
import type { CachePolicy } from '../rules/policy.ts'
import type { Slice } from './slice.ts'
import type { VaryFolding } from '../keys/vary.ts'

/** What a request encloses that asks by it (QUERY, RFC 10008). */
export interface Content {
  readonly bytes: Buffer
}

export interface Ask {
  /** The primary key: who asks for the same waits for the same. */
  readonly key: string
  readonly site: string
  /** host[:port] as in keys, for purges by host. */
  readonly host: string
  /** 'https://host:port' that groups of Cache-Groups belong to. */
  readonly origin: string
  readonly policy: CachePolicy
  readonly folding: VaryFolding | null
  /** To be validated, and to stand in for an origin that fails; null for none. */
  readonly stale: Entry | null
  /** Which slice is asked for; none: the whole. */
  readonly slice?: Slice | null
  /** The origin is asked by QUERY, with this; none: by GET. */
  readonly content?: Content | null
}

/** What is remembered of answers to it goes by this key: slices of one answer can all be shared, or none. */
export function memoryKeyOf({ key, slice = null }: Ask): string {
  return slice?.wholeKey ?? key
}
