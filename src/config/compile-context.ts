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
  /** Makes connections to origins within these bounds. */
  dialFor(limits: ConnectionLimits): Dial
  /** Makes connections that are passed on unread. */
  dialForTcp(): Dial
  /** The process's cache, made when it is asked for first; left out: the plan makes one for itself. */
  readonly openCache?: (settings: CacheSettings) => SharedCache
  /** Where workers share what they cache, if the config names no folder. */
  readonly sharedFolder?: DiskSettings
  /** What TLS of listeners needs besides the config; left out: sessions are not resumed, certificates come from files. */
  readonly tls?: TlsServices
  /** The plan in force: its origins are carried over where nothing of them has changed. */
  readonly previous?: Plan
  /** Without a plan in force: listeners that are open already, whose names stay. */
  readonly openListeners?: readonly ListenerPlan[]
}

/** What a plan may hold on to for as long as it lives: everything but the plan before it. */
export type LastingContext = Omit<CompileContext, 'previous' | 'openListeners'>
