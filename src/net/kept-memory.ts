/**
 * keptMemory: how much of this process's memory holds bytes that wait for slow peers, whichever connection they are of: the sum of
 * all KeptBytes. Each of them is bounded by who keeps it; this is what bounds all of them together.
 *
 * Promise: whoever watches is told when there is more than he allows, as it happens, within the call that made it so: he acts in a
 * turn of his own.
 */
export interface KeptMemoryWatch {
  readonly keptBytesMax: number
  onTooMuchKept(): void
}

class KeptMemory {
  bytes = 0
  readonly #watches: Set<KeptMemoryWatch> = new Set()
  #bytesMax = Infinity

  add(bytes: number): void {
    this.bytes += bytes
    if (this.bytes > this.#bytesMax && bytes > 0) this.#tell()
  }

  /** Watches from now on, or by another bound than before. */
  watch(watch: KeptMemoryWatch): void {
    this.#watches.add(watch)
    this.#settle()
  }

  unwatch(watch: KeptMemoryWatch): void {
    this.#watches.delete(watch)
    this.#settle()
  }

  #settle(): void {
    this.#bytesMax = Math.min(Infinity, ...Array.from(this.#watches, ({ keptBytesMax }) => keptBytesMax))
  }

  #tell(): void {
    for (const watch of this.#watches) if (this.bytes > watch.keptBytesMax) watch.onTooMuchKept()
  }
}

export const keptMemory: KeptMemory = new KeptMemory()
