/**
 * What the supervisor and a worker say to each other over the IPC channel of `fork`, as plain data (structured
 * clone).
 *
 * The dialogue: the worker says `hello` and is given its number among the peers. `prepare` (after `listen` has sent
 * new listening sockets) is answered by `prepared` or `refused`. Then `commit` is answered by `committed`, or by
 * `refused` when the worker cannot listen; or `discard` ends it. `ask`, `purge`, `purge-total`, `renew`, `explain`
 * and `warm` are answered by `answer`. `drain` and `stop` end in the worker's exit. Tickets connect an answer to its
 * question.
 */
import type { RequestToExplain } from '../admin/explain-body.ts'
import type { WarmOrder } from '../admin/warm-body.ts'
import type { DiskSettings } from '../cache/disk/options.ts'
import type { PurgeRequest } from '../cache/store/store.ts'
import type { ListenerPlan } from '../engine/plan.ts'
import type { PeerFrame } from '../core/peer-member.ts'
import type { ConfigSource } from './program.ts'

export type ToWorker =
  /**
   * `shared`: where the workers share their cache if the config does not say; null: nowhere. `listeners`: those
   * of the plan in force, by whose names the sockets come.
   */
  | {
      readonly kind: 'peers'
      readonly self: number
      readonly others: readonly number[]
      readonly shared: DiskSettings | null
      readonly listeners: readonly ListenerPlan[]
    }
  /** A listening socket comes with it, as the message's handle. */
  | { readonly kind: 'listen'; readonly name: string; readonly backlog: number }
  | { readonly kind: 'prepare'; readonly ticket: number; readonly source: ConfigSource }
  | { readonly kind: 'commit'; readonly ticket: number }
  | { readonly kind: 'discard' }
  | {
      readonly kind: 'ask'
      readonly ticket: number
      readonly what: 'metrics' | 'status' | 'reopen' | 'certificates'
    }
  | { readonly kind: 'purge'; readonly ticket: number; readonly requests: readonly PurgeRequest[] }
  | { readonly kind: 'purge-total'; readonly ticket: number; readonly id: string }
  | { readonly kind: 'renew'; readonly ticket: number; readonly names: readonly string[] }
  | { readonly kind: 'explain'; readonly ticket: number; readonly request: RequestToExplain }
  | { readonly kind: 'warm'; readonly ticket: number; readonly order: WarmOrder }
  | { readonly kind: 'drain'; readonly drainMs: number }
  | { readonly kind: 'stop' }
  | { readonly kind: 'peer'; readonly frame: PeerFrame }

export type FromWorker =
  | { readonly kind: 'hello' }
  | { readonly kind: 'prepared'; readonly ticket: number; readonly hash: string }
  | { readonly kind: 'refused'; readonly ticket: number; readonly reason: string }
  | { readonly kind: 'committed'; readonly ticket: number }
  | { readonly kind: 'answer'; readonly ticket: number; readonly value: unknown; readonly error: string }
  | { readonly kind: 'drained'; readonly report: unknown }
  | { readonly kind: 'peer'; readonly frame: PeerFrame }

/** The messages that answer a question, by its ticket. */
export type Reply = Extract<FromWorker, { ticket: number }>
