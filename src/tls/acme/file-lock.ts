/**
 * FileLock: a file whose existence is the lock, so that it also works in a folder that several machines mount.
 *
 * The holder writes a heartbeat into it every `beatMs`. The lock is stale, and taken over, when its holder was a
 * process of this machine that is gone, or when a waiter has seen no new heartbeat for `staleMs` by its own clock
 * (clocks of machines need not agree). Whoever takes it over looks again after `settleMs`: if two do so at once, the
 * last to write has it. A holder that finds another's name in the file has lost the lock.
 */
import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { isRecord } from './problem.ts'
import type { StorageLock } from './storage.ts'

export const beatMs = 5000
/** Six beats: a machine that is busy or a disk that hangs misses some. */
export const staleMs: number = 6 * beatMs
const lookMs = 500
const settleMs = 200

/** Of this process: a process that comes later may have its number. */
const ownId = randomBytes(12).toString('hex')

interface Holder {
  readonly host: string
  readonly pid: number
  readonly process: string
  readonly lock: string
  readonly beat: number
}

export interface FileLockTimes {
  readonly beatMs: number
  readonly staleMs: number
  readonly lookMs: number
}

export class FileLock implements StorageLock {
  isLost = false
  readonly #path: string
  readonly #lock = randomBytes(8).toString('hex')
  #beat = 0
  #timer: NodeJS.Timeout | null = null
  #beating: Promise<void> = Promise.resolve()

  private constructor(path: string) {
    this.#path = path
  }

  /** Waits until it has the lock; rejects when `signal` aborts. */
  static async take(
    path: string,
    signal: AbortSignal,
    times: FileLockTimes = { beatMs, staleMs, lookMs },
  ): Promise<FileLock> {
    const lock = new FileLock(path)
    let seen = ''
    let seenMs = performance.now()
    for (;;) {
      signal.throwIfAborted()
      if (await lock.#create()) break
      const text = await readFile(path, 'utf8').catch(() => '')
      if (text !== seen) {
        seen = text
        seenMs = performance.now()
      }
      const isStale = isGone(text) || performance.now() - seenMs > times.staleMs
      if (isStale && (await lock.#takeOver(seen))) break
      await sleep(times.lookMs, undefined, { signal })
    }
    lock.#timer = setInterval(() => lock.#keep(), times.beatMs)
    lock.#timer.unref()
    return lock
  }

  #text(): string {
    const holder: Holder = {
      host: hostname(),
      pid: process.pid,
      process: ownId,
      lock: this.#lock,
      beat: this.#beat++,
    }
    return JSON.stringify(holder)
  }

  async #create(): Promise<boolean> {
    try {
      const file = await open(this.#path, 'wx', 0o600)
      try {
        await file.writeFile(this.#text())
      } finally {
        await file.close()
      }
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
      throw error
    }
  }

  async #takeOver(stale: string): Promise<boolean> {
    if ((await readFile(this.#path, 'utf8').catch(() => stale)) !== stale) return false
    await this.#put()
    await sleep(settleMs)
    return this.#isOurs()
  }

  async #put(): Promise<void> {
    const beside = `${this.#path}.${this.#lock}.new`
    await writeFile(beside, this.#text(), { mode: 0o600 })
    await rename(beside, this.#path)
  }

  async #isOurs(): Promise<boolean> {
    const holder = holderOf(await readFile(this.#path, 'utf8').catch(() => ''))
    return holder?.lock === this.#lock
  }

  #keep(): void {
    this.#beating = this.#beating.then(async () => {
      if (this.#timer === null) return
      if (await this.#isOurs()) await this.#put().catch(() => {})
      else this.isLost = true
    })
  }

  async release(): Promise<void> {
    if (this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
    await this.#beating
    if (await this.#isOurs()) await rm(this.#path, { force: true })
  }
}

function holderOf(text: string): Holder | null {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) && typeof value['pid'] === 'number' ? (value as unknown as Holder) : null
  } catch {
    return null
  }
}

/** Is the holder a process of this machine that is no more? A number of ours that another process has is an old one. */
function isGone(text: string): boolean {
  const holder = holderOf(text)
  if (holder === null || holder.host !== hostname()) return false
  if (holder.pid === process.pid) return holder.process !== ownId
  try {
    process.kill(holder.pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
