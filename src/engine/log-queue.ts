/**
 * LogQueue: whole lines on their way to a file, stdout or stderr.
 *
 * Promises: `push` never waits and never throws. What does not fit into `bytesMax` is dropped and counted, and once
 * the queue has room again `onRecover` is told how many lines that was. One write is under way at a time. A write
 * that fails (ENOSPC, EPIPE, EIO) is tried again, so a full disk costs lines and not the server. A batch holds whole
 * lines only.
 *
 * Several processes may write the same log. A file is opened with O_APPEND, where one write stays in one piece. On a
 * pipe that holds only for writes up to PIPE_BUF (POSIX, write), so a shared queue writes batches of at most that,
 * and `lineBytesMax` tells the formatters how long a line may be.
 *
 * Lines are ASCII (the formatters escape the rest), so that a character is a byte.
 */
import * as fs from 'node:fs'
import { LogFile, type LogFileSystem } from './log-file.ts'
import type { Clock, ClockTimer } from '../core/clock.ts'

/** Linux's PIPE_BUF. POSIX promises only 512, which macOS has: there lines of two workers may mix on a pipe. */
const pipeBytesMax = 4096
/** The size of one write to a file: larger ones measured no faster. */
const batchBytesMax = 64 * 1024
/**
 * A line waits at most this long for others: a write through the thread pool costs about 15 µs, shared by all
 * lines of a batch.
 */
const gatherMs = 50
/** A full pipe is tried again after this time … */
const fullRetryMs = 20
/** … and anything else that failed after this time: a disk does not get room any sooner. */
const failedRetryMs = 1000

export interface LogQueueOptions {
  /** The path of a file, or '' for `fd`. */
  readonly path: string
  /** 1 or 2, when `path` is ''. It is never closed. */
  readonly fd: number
  readonly bytesMax: number
  /** Other processes write the same log. */
  readonly isShared: boolean
  readonly clock: Clock
  /** For tests. */
  readonly fileSystem?: LogFileSystem
}

export class LogQueue {
  readonly path: string
  /** Longer lines may be torn apart by other processes' lines. Infinity where that cannot happen. */
  readonly lineBytesMax: number
  /** Since the start: lines accepted, lines lost, writes that failed. */
  accepted = 0
  dropped = 0
  writeErrors = 0
  /** Called once when lines were lost and there is room again. */
  onRecover: ((lost: number) => void) | null = null
  readonly #bytesMax: number
  readonly #batchBytesMax: number
  readonly #clock: Clock
  readonly #file: LogFile
  #lines: string[] = []
  /** Lines before this index are gone already. */
  #from = 0
  /** The bytes of all waiting lines, including the batch under way. */
  #bytes = 0
  #batch: Buffer | null = null
  #batchLines = 0
  #batchAt = 0
  #isWriting = false
  #timer: ClockTimer | null = null
  #lost = 0
  #isClosed = false
  #onIdle: (() => void)[] = []

  /** Opens the log at once. Throws the system's error when it cannot be opened: a start must fail, not run without. */
  constructor(options: LogQueueOptions) {
    this.path = options.path
    this.#bytesMax = options.bytesMax
    this.#clock = options.clock
    this.#file = new LogFile(options.path, options.fd, options.fileSystem ?? fs)
    const mayTear = options.isShared && this.#file.isPipe
    this.lineBytesMax = mayTear ? pipeBytesMax : Infinity
    this.#batchBytesMax = mayTear ? pipeBytesMax : batchBytesMax
  }

  /** Adds a line, with its line feed. False: it was dropped. */
  push(line: string): boolean {
    if (this.#isClosed || this.#bytes + line.length > this.#bytesMax) {
      this.dropped++
      this.#lost++
      return false
    }
    this.accepted++
    this.#bytes += line.length
    this.#lines.push(line)
    if (!this.#isWriting) {
      if (this.#bytes >= this.#batchBytesMax && this.#batch === null) this.#flush()
      else if (this.#timer === null) this.#wait(gatherMs)
    }
    return true
  }

  get waitingBytes(): number {
    return this.#bytes
  }

  #wait(delayMs: number): void {
    this.#timer = this.#clock.after(delayMs, () => {
      this.#timer = null
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#isWriting) return
    this.#timer?.cancel()
    this.#timer = null
    if (this.#batch === null && !this.#takeBatch()) return this.#rest()
    const batch = this.#batch as unknown as Buffer
    this.#isWriting = true
    this.#file.write(batch, this.#batchAt, this.#onWritten)
  }

  /** Prepares the next batch of whole lines; false when nothing waits. */
  #takeBatch(): boolean {
    const lines = this.#lines
    const from = this.#from
    if (from === lines.length) return false
    let to = from
    let text = ''
    do text += lines[to++] as string
    while (to < lines.length && text.length + (lines[to] as string).length <= this.#batchBytesMax)
    if (to === lines.length) {
      this.#lines = []
      this.#from = 0
    } else {
      this.#from = to
    }
    this.#batch = Buffer.from(text, 'latin1')
    this.#batchLines = to - from
    this.#batchAt = 0
    return true
  }

  readonly #onWritten = (error: NodeJS.ErrnoException | null, written: number): void => {
    this.#isWriting = false
    const batch = this.#batch
    if (batch === null) return
    if (error !== null) {
      if (error.code !== 'EAGAIN') this.writeErrors++
      // In a new file the batch starts again with the line that was torn.
      if (this.#file.swap() && this.#batchAt > 0) this.#batchAt = batch.lastIndexOf(10, this.#batchAt - 1) + 1
      this.#wait(error.code === 'EAGAIN' ? fullRetryMs : failedRetryMs)
      return
    }
    this.#batchAt += written
    if (this.#batchAt < batch.length) return this.#flush()
    this.#bytes -= batch.length
    this.#batch = null
    this.#file.swap()
    if (this.#lost > 0 && this.#bytes <= this.#bytesMax / 2) this.#recover()
    this.#flush()
  }

  #recover(): void {
    const lost = this.#lost
    this.#lost = 0
    this.onRecover?.(lost)
  }

  #rest(): void {
    const waiting = this.#onIdle
    if (waiting.length === 0) return
    this.#onIdle = []
    for (const tell of waiting) tell()
  }

  /**
   * Opens the file anew after it was moved away; stdout and stderr stay. What is under way goes to the old one.
   * Rejects with the system's error when the file cannot be opened: then the old one stays in use.
   */
  async reopen(): Promise<void> {
    if (this.path === '' || this.#isClosed) return
    await this.#file.open()
    if (this.#isWriting) return
    // A half-written batch is completed in the old file, which `#onWritten` then leaves.
    if (this.#batch === null || this.#batchAt === 0) this.#file.swap()
    this.#flush()
  }

  /** Resolves when all that waits now has been written, or after `deadlineMs`. */
  flush(deadlineMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#bytes === 0) return resolve()
      // The clock's timers do not keep a process alive; this wait must.
      const alive = setTimeout(() => {}, deadlineMs)
      const done = (): void => {
        timer.cancel()
        clearTimeout(alive)
        resolve()
      }
      const timer = this.#clock.after(deadlineMs, done)
      this.#onIdle.push(done)
      this.#flush()
    })
  }

  /**
   * Takes no more lines, writes what waits for at most `deadlineMs`, and closes. Lines that are left count as
   * dropped.
   */
  async close(deadlineMs: number): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.flush(deadlineMs)
    this.#timer?.cancel()
    this.#timer = null
    this.#dropAll()
    this.#batch = null
    this.#bytes = 0
    this.#file.close(this.#isWriting)
  }

  #dropAll(): void {
    this.dropped += this.#lines.length - this.#from + (this.#batch === null ? 0 : this.#batchLines)
    this.#lines = []
    this.#from = 0
  }

  /**
   * Writes what waits without returning to the event loop, for the last moment of a process. The batch under
   * way is left alone: the kernel has it, and no line is written twice.
   */
  flushNow(): void {
    if (this.#batch !== null && this.#isWriting) this.#batch = null
    while (this.#batch !== null || this.#takeBatch()) {
      const batch = this.#batch as unknown as Buffer
      const written = this.#file.writeNow(batch, this.#batchAt)
      if (written <= 0) {
        this.#dropAll()
      } else if ((this.#batchAt += written) < batch.length) {
        continue
      }
      this.#batch = null
    }
    this.#bytes = 0
  }
}
