/** What clients have seen the whole of, in which order: who asks afterwards, whichever worker, must not get anything older. */
import type { Version } from './versions.ts'

/** What a client asked for, and of which worker's memory or disk it was answered. */
export interface Asked {
  readonly url: string
  readonly variant: string
  readonly startedAt: number
  readonly where: 'memory' | 'disk'
  /** As `Seen.lastOf` when it asked. */
  readonly seen: number
}

export class Seen {
  #count = 0
  /** By number of the version. */
  readonly #order = new Map<number, number>()
  /** The last one, by URL and variant. */
  readonly #last = new Map<string, number>()

  note({ number, url, variant }: Version): void {
    this.#order.set(number, ++this.#count)
    this.#last.set(url + ' ' + variant, this.#count)
  }

  /** What was seen last; 0: nothing. */
  lastOf(url: string, variant: string): number {
    return this.#last.get(url + ' ' + variant) ?? 0
  }

  isOlder({ number }: Version, last: number): boolean {
    return (this.#order.get(number) ?? 0) < last
  }

  /** What was seen may be lost: all workers have died. */
  forget(): void {
    this.#last.clear()
  }
}
