/**
 * The readers of HTTP/1 heads. Both take the bytes that have arrived so far and say how many of them the head took.
 *
 * Returns of both: > 0 the bytes consumed, the head is whole and `head` filled · 0 not whole: call again with the same
 * bytes and more behind them, and the same `progress`; the bytes may have moved meanwhile · negative: -fault.
 * `head` was reset before the first call, `progress` too.
 */
import type { ConnectionLimits } from '../http/limits.ts'
import type { RequestHead, ResponseHead } from '../http/message.ts'

export class HeadProgress {
  reset(): void {}
  /** Only empty lines have arrived so far: a connection that waits for a request is idle still. */
  get isBlank(): boolean {
    return true
  }
}

export function readRequestHead(
  _buffer: Buffer,
  _start: number,
  _end: number,
  _head: RequestHead,
  _progress: HeadProgress,
  _limits: ConnectionLimits,
): number {
  return 0
}

/** `requestMethod` is the method of the request that is answered. */
export function readResponseHead(
  _buffer: Buffer,
  _start: number,
  _end: number,
  _head: ResponseHead,
  _requestMethod: string,
  _progress: HeadProgress,
  _limits: ConnectionLimits,
): number {
  return 0
}
