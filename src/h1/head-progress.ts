/**
 * How far the walk over a head has come when the head arrives in pieces. Only whole lines are walked for good. The
 * line under way is walked again once its end is there, or once it is as long as a line may be. So a line that
 * arrives byte by byte costs two walks, and the verdict is the same however the bytes were split.
 *
 * All offsets count from where the head begins, after empty lines: the bytes may move between two calls.
 */
import { CR, valueClass } from '../core/bytes.ts'

export class HeadProgress {
  /** Empty lines before a request, in bytes (RFC 9112 §2.2). */
  skipped = 0
  /** The start line was walked. */
  hasStartLine = false
  /** Where the first line begins that was not walked for good. */
  walked = 0
  /** From `walked` to here nothing ends the line or is wrong in every line. 0: nobody has looked. */
  searched = 0
  /** Of the request line: where the target stands, its query (or its end), and whether its path must be normalised. */
  targetStart = 0
  targetEnd = 0
  queryAt = 0
  isPlainTarget = true
  /** Only empty lines have come, or nothing: a connection that waits for a request is idle still. */
  isBlank = true

  reset(): void {
    this.skipped = 0
    this.hasStartLine = false
    this.walked = 0
    this.searched = 0
    this.isBlank = true
  }

  /** Is there anything new to walk in the bytes [base, end), or are they as many as may come? */
  isWorthWalking(buffer: Buffer, base: number, end: number, bytesMax: number): boolean {
    if (this.searched === 0 || end - base >= bytesMax) return true
    let i = base + this.searched
    while (i < end && valueClass[buffer[i] as number] === 1) i++
    this.searched = i - base
    return i < end
  }

  /** The line that begins at `lineStart` has no end yet. Gives 0, the readers' word for that. */
  pause(buffer: Buffer, lineStart: number, end: number, base: number): 0 {
    this.walked = lineStart - base
    // Whatever follows a CR decides: it is looked at again.
    this.searched = buffer[end - 1] === CR ? end - 1 - base : end - base
    return 0
  }
}
