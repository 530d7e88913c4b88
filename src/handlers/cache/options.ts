/** What the cache step of a route is made of. */
import type { CacheKey } from '../../cache/keys/key.ts'
import type { CachePolicy } from '../../cache/rules/policy.ts'
import type { SharedCache } from '../../cache/shared-cache.ts'
import type { VaryFolding } from '../../cache/keys/vary.ts'
import type { Clock } from '../../core/clock.ts'
import type { Bypass } from './bypass.ts'
import type { PurgeMethod } from './purge-method.ts'

export interface CacheOptions {
  readonly key: CacheKey
  readonly policy: CachePolicy
  readonly folding: VaryFolding | null
  readonly bypass: Bypass | null
  /** The route's rewrite looks at more than the URL: what it makes is part of the key, too. */
  readonly keysTarget?: boolean
  /** How often a URL is asked for before its answer is stored; 1: at once. */
  readonly minUses: number
  /** How large the slices are in which answers are fetched and kept; 0 or none: as a whole. */
  readonly sliceBytes?: number
  /** null: PURGE is a method as any other. */
  readonly purgeMethod: PurgeMethod | null
  /** Its place in `x.state`: the step's own in the route. */
  readonly slot: number
  /** Our name in Cache-Status. */
  readonly statusName: string
}

export interface CacheContext {
  readonly clock: Clock
  readonly cache: SharedCache
}
