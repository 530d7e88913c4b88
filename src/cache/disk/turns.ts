/**
 * Turns: the order in which answers are shown that several workers have for one key at the same moment.
 *
 * Promise: all workers agree which of two comes first: the one with the lower ticket, or, with equal tickets, that of
 * the lower worker. The other is acknowledged by its worker only when the first has been shown (as in Ricart and
 * Agrawala's mutual exclusion). So what is shown last is what both workers have in the end.
 *
 * Nobody waits in a circle: whoever waits, waits for a lower ticket.
 */

export class Announcement {
  readonly key: string
  /** Until the others are told of it, it comes after everything that they have told. */
  ticket: number = Infinity
  readonly #onHeard: () => void
  readonly #turns: Turns
  #onShown: (() => void)[] = []

  constructor(turns: Turns, key: string, onHeard: () => void) {
    this.#turns = turns
    this.key = key
    this.#onHeard = onHeard
  }

  /** All others know of it. */
  show(): void {
    this.#turns.end(this)
    this.#onHeard()
    for (const tell of this.#onShown.splice(0)) tell()
  }

  shown(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onShown.push(resolve)
    return promise
  }
}

export class Turns {
  readonly #self: number
  /** Answers of this worker that are not shown yet, by key. */
  readonly #own = new Map<string, Announcement[]>()

  constructor(self: number) {
    this.#self = self
  }

  begin(key: string, onHeard: () => void): Announcement {
    const announcement = new Announcement(this, key, onHeard)
    const others = this.#own.get(key)
    if (others === undefined) this.#own.set(key, [announcement])
    else others.push(announcement)
    return announcement
  }

  end(announcement: Announcement): void {
    const { key } = announcement
    const left = this.#own.get(key)?.filter((each) => each !== announcement) ?? []
    if (left.length === 0) this.#own.delete(key)
    else this.#own.set(key, left)
  }

  /**
   * Resolves when everything that this worker shows for the key before what `peer` announced under `ticket` has
   * been shown.
   */
  before(key: string, ticket: number, peer: number): Promise<void>[] {
    const own = this.#own.get(key) ?? []
    const isFirst = (mine: number): boolean => mine < ticket || (mine === ticket && this.#self < peer)
    return own.filter((each) => isFirst(each.ticket)).map((each) => each.shown())
  }
}
