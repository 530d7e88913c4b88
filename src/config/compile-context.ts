/** What a plan needs from the process that it will run in: time, logs, and the way to origins. */
import type { DiskSettings } from '../cache/disk/options.ts'
import type { CacheSettings, SharedCache } from '../cache/shared-cache.ts'
import type { Clock } from '../core/clock.ts'
import type { Timers } from '../core/timers.ts'
import type { Observer } from '../engine/observer.ts'
import type { ListenerPlan, Plan } from '../engine/plan.ts'
import type { Dial } from '../http/dial.ts'
import type { ConnectionLimits } from '../http/limits.ts'
import type { TlsServices } from './tls.ts'
import type { Resolver } from '../origin/resolver.ts'

export interface CompileContext {
  readonly clock: Clock
  readonly timers: Timers
  readonly observer: Observer
  readonly resolver: Resolver
  /** Returns what makes connections to origins within these bounds. */
  dialFor(limits: ConnectionLimits): Dial
  /** Returns what makes connections to pass bytes on unread. */
  dialForTcp(): Dial
  /** Returns the process's cache, made on the first call; without it the plan makes a cache of its own. */
  readonly openCache?: (settings: CacheSettings) => SharedCache
  /** Where the workers share their cache if the config names no folder. */
  readonly sharedFolder?: DiskSettings
  /**
   * What TLS of listeners needs besides the config; without it sessions are not resumed and certificates come
   * from files.
   */
  readonly tls?: TlsServices
  /** The plan in force: those of its origins that have not changed are carried over. */
  readonly previous?: Plan
  /** Where there is no plan in force: listeners that are already open and keep their names. */
  readonly openListeners?: readonly ListenerPlan[]
}

/** What a plan may hold on to for as long as it lives: everything but the plan before it. */
export type LastingContext = Omit<CompileContext, 'previous' | 'openListeners'>
