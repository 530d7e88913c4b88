/** ClientSession: a session with an origin, as its streams see it. */
import type { Fault } from '../core/faults.ts'
import type { Timers } from '../core/timers.ts'
import type { DialTarget } from '../http/dial.ts'
import type { ConnectionLimits } from '../http/limits.ts'
import type { FloodGuard } from './flood-guard.ts'
import type { ErrorCode } from './frames.ts'
import type { HeaderSink } from './hpack-decoder.ts'
import type { PeerSettings } from './settings.ts'
import type { StreamHome } from './stream-transport.ts'
import type { SessionStream } from './stream.ts'

export interface ClientSession extends StreamHome {
  readonly target: DialTarget
  readonly timers: Timers
  readonly guard: FloodGuard
  readonly limits: ConnectionLimits
  /** What the origin has said of itself. */
  readonly peer: PeerSettings
  /** ':scheme' of its requests. */
  readonly scheme: string
  /** Why no stream can begin; NONE when one can. */
  readonly faultToOpen: Fault
  /** Can it ask for this upgrade (RFC 8441)? */
  carriesUpgrade(upgrade: string): boolean
  /** Gives the stream its number. Its HEADERS must leave before those of another (RFC 9113 §5.1.1). */
  open(stream: SessionStream): void
  /** False: the session has failed. */
  decode(sink: HeaderSink, buffer: Buffer, start: number, end: number): boolean
  /** The origin made a mistake on a stream: it is reset, and told. */
  streamError(streamId: number, code: ErrorCode, fault: Fault): void
  /** An answer did not come in time: is the origin there at all? */
  doubt(): void
  /** The lease has ended, and its receiver was told. */
  release(stream: SessionStream, isServed: boolean): void
}
