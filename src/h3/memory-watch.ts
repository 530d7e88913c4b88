/**
 * MemoryWatch: bounds what the provider's own memory grows to while clients have sessions with it. It keeps for a client what is
 * announced, such as a header section of 16 MiB of which nothing has come, and has no bound for all of them together: 300 streams
 * of six bytes each took 3 GB (docs/http3.md).
 *
 * What it holds cannot be asked; what the process has beside the memory of JavaScript can. That counts others as well (TLS, bodies
 * that memory was set aside for before they came), so the bound is far above what those grow by, and what it costs is small:
 * clients that had to go come back over TCP.
 *
 * Promises: what requests under way may need is not counted; it looks only between `begin` and `end`; `onGrown` is called
 * each time that the growth is above a quarter of the bound, and told whether it is above the whole.
 */
import { totalmem } from 'node:os'
import type { Clock, ClockTimer } from '../core/clock.ts'

/** A burst takes gigabytes in a second. One look costs about 20 µs. */
export const lookMs = 50
/** Less where the machine, or what this process may have of it, is small. */
const grownBytesMost: number = 1024 ** 3
const partOfMachine = 0.4

export interface MemoryWatchOptions {
  readonly clock: Clock
  /** What the process has beside the memory of JavaScript. */
  readonly nativeBytes: () => number
  readonly grownBytesMax: number
  /** What requests under way may need besides. */
  readonly usualBytes: () => number
  readonly onGrown: (bytes: number, isTooMuch: boolean) => void
}

export class MemoryWatch {
  readonly #options: MemoryWatchOptions
  #timer: ClockTimer | null = null
  /** Seen at the least. */
  #floor = Infinity

  constructor(options: MemoryWatchOptions) {
    this.#options = options
  }

  begin(): void {
    if (this.#timer === null) this.#look()
  }

  end(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  /** What there is at the next look is taken as usual. */
  forget(): void {
    this.#floor = Infinity
  }

  #look(): void {
    const { clock, nativeBytes, grownBytesMax, usualBytes, onGrown } = this.#options
    const bytes = nativeBytes()
    this.#floor = Math.min(this.#floor, bytes)
    this.#timer = clock.after(lookMs, () => this.#look())
    const grown = bytes - this.#floor
    if (grown <= grownBytesMax / 4) return
    const unusual = grown - usualBytes()
    if (unusual > grownBytesMax / 4) onGrown(grown, unusual > grownBytesMax)
  }
}

export function nativeBytesNow(): number {
  const { rss, heapTotal, external } = process.memoryUsage()
  return rss - heapTotal - external
}

export function grownBytesMaxHere(): number {
  const constrained = process.constrainedMemory()
  const machine = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
  return Math.min(grownBytesMost, machine * partOfMachine)
}
