/**
 * Origin: a named group of servers, any of which can answer the same requests.
 *
 * How the proxy step uses it:
 *
 * 1. `origin.open(x, this)` returns an Upstream (an idle connection was at hand), `WAIT`, or a negative fault.
 *    Picking a server counts `x.attempts` and pushes the server to `x.tried`, so that a further `open` takes another
 *    server while one is left. On a negative fault nothing was tried and nothing counted. `-ORIGIN_NONE` on a *retry*
 *    means that no server is left to try: the client is told of the fault of the attempt before. An exchange that has
 *    been attempted before gets a fresh connection, never one that was idle.
 * 2. After `WAIT` exactly one of `onOpened` and `onOpenFailed` comes, in a later turn of the event loop, with the
 *    turn that `open` took by `x.beginWait()`; or neither does, when `cancelWait(x)` was called or the turn has
 *    changed. `onOpenFailed` may call `open` again (these faults are all `retry: 'any'`). Meanwhile
 *    `x.upstreamAddress` is the address that is being connected to; '' while its name is not resolved.
 * 3. The proxy step itself sets `x.upstreamAddress = upstream.address` and `x.connectMs = upstream.connectMs`.
 * 4. It calls `onAttemptSuccess(upstream)` when the first head of the answer has come (1xx included; this costs a
 *    comparison), and `onAttemptFault(x, upstream, fault)` for whatever `UpstreamReceiver.onFault` said. The origin
 *    judges by itself which faults speak against the server. (Faults of connecting it sees by itself.)
 * 5. For an exchange that is abandoned while it waits it calls `cancelWait(x)`; for one that has an Upstream,
 *    `upstream.cancel(fault)`. The lease comes back by itself.
 * 6. A tunnel keeps its lease, and so counts as a request under way and as a connection, until `upstream.cancel`.
 */
import type { Fault } from '../core/faults.ts'
import type { Exchange, Upstream, UpstreamServer } from '../http/exchange.ts'
import type { OriginOptions } from './options.ts'

export type { OriginContext, OriginOptions, OriginTuning, PolicyName, ServerOptions } from './options.ts'

/** Is told when a stream that had to be waited for is there, or cannot be had. */
export interface OriginWaiter {
  onOpened(x: Exchange, turn: number, upstream: Upstream): void
  onOpenFailed(x: Exchange, turn: number, fault: Fault): void
}

/** A server, for metrics, the admin page and explain. Counts are this worker's. */
export interface ServerSnapshot {
  readonly name: string
  readonly weight: number
  /** Requests under way, those that wait and tunnels included. */
  readonly inFlight: number
  readonly idle: number
  readonly connecting: number
  /** Connections open or being made. */
  readonly connections: number
  readonly waiting: number
  readonly isAvailable: boolean
  readonly addresses: readonly AddressSnapshot[]
}

export interface AddressSnapshot {
  /** 'ip:port' or 'unix:/path'. */
  readonly address: string
  readonly idle: number
  readonly connections: number
  /** Faults since its last success, without those while it was passed over. */
  readonly faults: number
  /** The name of the last of them; '' when it is in order. */
  readonly fault: string
  readonly isAvailable: boolean
  /** How much longer it is passed over; 0 when it is not. */
  readonly passedOverMs: number
}

export interface OriginSnapshot {
  readonly name: string
  readonly policy: string
  readonly waiting: number
  readonly servers: readonly ServerSnapshot[]
}

export interface Origin {
  readonly name: string
  /**
   * Can a request that was sent be returned unprocessed, so that it may be sent again whatever its method (RFC
   * 9113 §8.7)?
   */
  readonly mayRefuseUnseen: boolean
  open(x: Exchange, waiter: OriginWaiter): Upstream | number
  /** x waits no longer. Harmless when it does not wait. */
  cancelWait(x: Exchange): void
  onAttemptSuccess(upstream: Upstream): void
  onAttemptFault(x: Exchange, upstream: Upstream, fault: Fault): void
  /** The server that x would get now if no bound is met; null: none. Nothing changes. */
  peek(x: Exchange): UpstreamServer | null
  /** What it was made of: a reload keeps an origin whose options are the same, connections and all. */
  readonly options: OriginOptions
  /** 'host[:port]' of a server as its URL says, for `hostHeader: 'origin'`; 'localhost' for a unix socket. */
  authorityOf(server: UpstreamServer): string
  snapshot(): OriginSnapshot
  /** Closes idle connections now, and busy ones when they come back. It still serves whoever holds it. */
  close(): void
}
