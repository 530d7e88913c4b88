/**
 * What the supervisor and a worker say to each other over the IPC channel of `fork`, as plain data (structured clone).
 *
 * The talk: the worker says `hello`; `prepare` (with listening sockets sent before by `listen`) is answered by
 * `prepared` or `refused`, then `commit` by `committed`, or `discard`. `ask` is answered by `answer`. `stop` and `drain`
 * end in the worker's exit. Tickets join an answer to its question.
 */
import type { PeerFrame } from '../core/peer-member.ts'
import type { MetricsSnapshot } from '../engine/metrics.ts'

/** Where a config comes from: a file that each worker reads by itself, or a document made by a command. */
export type ConfigSource = { readonly path: string } | { readonly document: unknown }

export type ToWorker =
  /** A listening socket comes with it, as the message's handle. */
  | { readonly kind: 'listen'; readonly name: string }
  | { readonly kind: 'peers'; readonly self: number; readonly others: readonly number[] }
  | { readonly kind: 'prepare'; readonly ticket: number; readonly source: ConfigSource }
  | { readonly kind: 'commit'; readonly ticket: number }
  | { readonly kind: 'discard'; readonly ticket: number }
  | { readonly kind: 'ask'; readonly ticket: number; readonly what: 'snapshot' | 'status' | 'reopen' }
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

export interface WorkerSnapshot {
  readonly metrics: MetricsSnapshot
}
