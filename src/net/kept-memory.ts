/**
 * keptMemory: how much memory of this process holds bytes that wait for slow peers, summed over all KeptBytes of all
 * connections. Each KeptBytes is bounded by its owner; this is what bounds all of them together.
 *
 * Promise: a watcher is told that its bound is exceeded within the call that exceeded it. It must act in a later
 * turn.
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
