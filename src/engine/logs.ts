/**
 * The two logs of a process and where they go. A change of config opens the new ones before anything is swapped, so
 * that a log that cannot be written refuses the config and the old logs go on.
 */
import type { Clock } from '../core/clock.ts'
import { whyUnwritten } from '../core/file-errors.ts'
import type { LogPlan } from './plan.ts'
import { AccessLog } from './access-log.ts'
import { ErrorsLog } from './errors-log.ts'
import { LogQueue } from './log-queue.ts'
import { Redaction } from './redaction.ts'

/** A log that is left for another has this long to write what waits. */
const leaveMs = 5000

type LogName = 'access' | 'errors'

/** Accepted, dropped, write errors. */
type Counts = readonly [number, number, number]

interface Prepared {
  readonly plan: LogPlan
  readonly access: LogQueue | null
  readonly errors: LogQueue
}

export class Logs {
  readonly errorsLog: ErrorsLog
  /** null: no access log. */
  accessLog: AccessLog | null = null
  access: LogQueue | null = null
  #errors: LogQueue | null = null
  readonly #clock: Clock
  readonly #isShared: boolean
  readonly #hasAccess: boolean
  #prepared: Prepared | null = null
  #queueBytesMax = 0
  /** Left for others, and still writing. */
  readonly #leaving: Record<LogName, Set<LogQueue>> = { access: new Set(), errors: new Set() }
  /** Counted by queues that were left and have ended. */
  readonly #past: Record<LogName, Counts> = { access: [0, 0, 0], errors: [0, 0, 0] }

  /** `isShared`: other processes write the same files. `hasAccess` false: another process writes the access log. */
  constructor(clock: Clock, isShared: boolean, hasAccess = true) {
    this.#hasAccess = hasAccess
    this.#clock = clock
    this.#isShared = isShared
    this.errorsLog = new ErrorsLog(clock, (line) => this.#errors?.push(line))
  }

  /** Opens what `plan` needs and the running one has not. Throws with a sentence when a log cannot be opened. */
  prepare(plan: LogPlan): void {
    this.discard()
    const access =
      plan.access === false || !this.#hasAccess
        ? null
        : this.#queue(this.access, plan.accessPath, 1, plan, 'the access log')
    try {
      const errors = this.#queue(this.#errors, plan.errorPath, 2, plan, 'the errors log')
      this.#prepared = { plan, access, errors }
    } catch (error) {
      if (access !== null && access !== this.access) void access.close(0)
      throw error
    }
  }

  #queue(running: LogQueue | null, path: string, fd: number, plan: LogPlan, what: string): LogQueue {
    if (running !== null && running.path === path && this.#queueBytesMax === plan.queueBytesMax)
      return running
    try {
      const bytesMax = plan.queueBytesMax
      return new LogQueue({ path, fd, bytesMax, isShared: this.#isShared, clock: this.#clock })
    } catch (error) {
      throw new Error(`${what} cannot be opened: ${whyUnwritten(error, path)}`, { cause: error })
    }
  }

  discard(): void {
    const prepared = this.#prepared
    this.#prepared = null
    if (prepared === null) return
    if (prepared.access !== this.access) void prepared.access?.close(0)
    if (prepared.errors !== this.#errors) void prepared.errors.close(0)
  }

  /** Takes what was prepared into use. */
  commit(): void {
    const prepared = this.#prepared
    if (prepared === null) return
    this.#prepared = null
    const { plan, access, errors } = prepared
    if (this.access !== access) this.#leave(this.access, 'access')
    if (this.#errors !== errors) this.#leave(this.#errors, 'errors')
    this.access = access
    this.#errors = errors
    this.#queueBytesMax = plan.queueBytesMax
    this.errorsLog.configure(plan.level, plan.access === 'json')
    errors.onRecover = (lost) => this.errorsLog.note('warn', `${lost} lines of the errors log were dropped`)
    if (access !== null)
      access.onRecover = (lost) => this.errorsLog.note('warn', `${lost} lines of the access log were dropped`)
    const redaction = new Redaction(plan.redactQuery, plan.redactFields)
    this.accessLog =
      access === null || plan.access === false
        ? null
        : new AccessLog(plan.access, redaction, this.#clock, access.lineBytesMax)
  }

  #leave(queue: LogQueue | null, log: LogName): void {
    if (queue === null) return
    this.#leaving[log].add(queue)
    void queue.close(leaveMs).then(() => {
      this.#leaving[log].delete(queue)
      this.#past[log] = sum(this.#past[log], queue)
    })
  }

  /** [accepted, dropped, write errors] since the start. */
  counts(log: LogName): Counts {
    let counts = this.#past[log]
    for (const queue of this.#leaving[log]) counts = sum(counts, queue)
    const queue = log === 'access' ? this.access : this.#errors
    return queue === null ? counts : sum(counts, queue)
  }

  async reopen(): Promise<void> {
    await Promise.all([this.access?.reopen(), this.#errors?.reopen()])
  }

  async close(deadlineMs: number): Promise<void> {
    this.discard()
    this.errorsLog.close()
    const { access, errors } = this.#leaving
    await Promise.all([
      this.access?.close(deadlineMs),
      this.#errors?.close(deadlineMs),
      ...Array.from([...access, ...errors], (queue) => queue.flush(deadlineMs)),
    ])
  }

  /** For the last moment of a process. */
  flushNow(): void {
    this.errorsLog.close()
    for (const queue of [...this.#leaving.access, ...this.#leaving.errors]) queue.flushNow()
    this.access?.flushNow()
    this.#errors?.flushNow()
  }
}

function sum([accepted, dropped, writeErrors]: Counts, queue: LogQueue): Counts {
  return [accepted + queue.accepted, dropped + queue.dropped, writeErrors + queue.writeErrors]
}
