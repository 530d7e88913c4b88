/**
 * Smooth weighted rotation: each candidate gets turns in proportion to its weight, spread out as evenly as they can
 * be. Weights 5, 1, 1 give a a b a c a a, not a a a a a b c, so a heavy server is not hit in bursts.
 *
 * At each turn every candidate's credit grows by its weight; the one with the most credit gets the turn and pays what
 * all were given. So the credits of a fixed set of candidates keep their sum, and over as many turns as the weights
 * sum up to each gets exactly its weight. Credits stay bounded even when the set changes from turn to turn, since
 * only the richest pays. Every candidate is looked at: measured 25 ns a turn for three members, 130 for sixteen, 0.8
 * µs for a hundred, of the 15 µs that a proxied request costs.
 */

interface Weighted {
  readonly weight: number
}

/** Turns skipped at the start at most, so that a rebuild with great weights stays quick. */
const startTurnsMax = 1024

export class SmoothRotation {
  readonly #random: () => number
  #members: readonly Weighted[] = []
  #credits: number[] = []

  /** `random` says where the rotation starts: workers that all began with the first server would hit it together. */
  constructor(random: () => number) {
    this.#random = random
  }

  /** Members that were there before keep their credit. */
  rebuild(members: readonly Weighted[]): void {
    const isFirst = this.#members.length === 0
    const before = this.#members
    const credits = this.#credits
    this.#credits = members.map((member) => {
      const i = before.indexOf(member)
      return i < 0 ? 0 : (credits[i] as number)
    })
    this.#members = members.slice()
    if (isFirst) this.#skipSomeTurns()
  }

  #skipSomeTurns(): void {
    let sum = 0
    for (const member of this.#members) sum += member.weight
    const everyone = new Uint8Array(this.#members.length).fill(1)
    const turns = Math.floor(this.#random() * Math.min(sum, startTurnsMax))
    for (let i = 0; i < turns; i++) this.advance(everyone, this.choose(everyone))
  }

  /** The index whose turn it is among those marked 1; -1 when none is. Changes nothing. */
  choose(candidates: Uint8Array): number {
    let best = -1
    let bestCredit = 0
    for (let i = 0; i < candidates.length; i++) {
      if (candidates[i] === 0) continue
      const credit = (this.#credits[i] as number) + (this.#members[i] as Weighted).weight
      if (best >= 0 && credit <= bestCredit) continue
      best = i
      bestCredit = credit
    }
    return best
  }

  /** The turn was given to `chosen`, one of those marked 1. */
  advance(candidates: Uint8Array, chosen: number): void {
    let sum = 0
    for (let i = 0; i < candidates.length; i++) {
      if (candidates[i] === 0) continue
      const weight = (this.#members[i] as Weighted).weight
      ;(this.#credits[i] as number) += weight
      sum += weight
    }
    ;(this.#credits[chosen] as number) -= sum
  }
}
