/**
 * Pace: may a file be read on the thread that serves, while everybody waits?
 *
 * A file that the kernel has in memory is read on this thread for a twentieth of the CPU that a detour through Node's
 * thread pool takes (measured: 15 and 300 µs). A file that comes from a device may take long. So what such reads take
 * beyond `freeMs` each is a debt, which is paid off with `share` of the time that passes. While it is more than
 * `debtMsMax`, lookups go through the pool. So a device as quick as memory is always read directly, and a slow one
 * holds up the others for a fifth of the time.
 *
 * A thread that the machine does not let run looks like one that waits for a device. So where the kernel counts what
 * is read from devices, a read during which nothing came from one is no debt, unless it took longer than any
 * scheduler would.
 *
 * A single read that hangs holds up everybody, as in every server that reads on its own thread. It happens once: the
 * next reads are then left to the pool for five times as long. File systems that may hang by nature
 * (`DiskKind.isLocal`) are never read on this thread.
 */
import type { Disk, DiskKind } from './disk.ts'

/** About what the detour through the pool would have cost. */
const freeMs = 0.25
/** A wait that nobody notices. */
const debtMsMax = 2
const share = 0.2
/** It is paid off within a minute: a machine that slept is not punished for ever. */
const debtMsLimit = 12_000
const scheduledMs = 100

export class Pace {
  readonly #disk: Disk
  #kind: DiskKind | null = null
  #debtMs = 0
  #paidMs = 0
  #deviceReads = 0

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** Until the folder is known nothing is read synchronously. */
  begin(kind: DiskKind): void {
    this.#kind = kind
    this.#deviceReads = this.#disk.deviceReads()
  }

  /** May anything be read synchronously at all? */
  get isLocal(): boolean {
    return this.#kind !== null && this.#kind.isLocal
  }

  /** May a file be read synchronously now? */
  get isQuick(): boolean {
    if (!this.isLocal) return false
    if (this.#debtMs === 0) return true
    const nowMs = this.#disk.nowMs()
    this.#debtMs = Math.max(0, this.#debtMs - (nowMs - this.#paidMs) * share)
    this.#paidMs = nowMs
    return this.#debtMs <= debtMsMax
  }

  /** Makes a call while everybody waits. */
  measure<T>(call: () => T): T {
    const startMs = this.#disk.nowMs()
    try {
      return call()
    } finally {
      this.note(startMs)
    }
  }

  /** A read that began at `startMs` has ended. */
  note(startMs: number): void {
    const nowMs = this.#disk.nowMs()
    const beyondMs = nowMs - startMs - freeMs
    if (beyondMs <= 0 || (!this.#hasReadDevice() && beyondMs < scheduledMs)) return
    if (this.#debtMs === 0) this.#paidMs = nowMs
    this.#debtMs = Math.min(debtMsLimit, this.#debtMs + beyondMs)
  }

  /** What was read from devices since the last look, as far as the kernel tells. */
  #hasReadDevice(): boolean {
    if (this.#kind?.isCounted !== true) return true
    const before = this.#deviceReads
    this.#deviceReads = this.#disk.deviceReads()
    return this.#deviceReads !== before
  }
}
