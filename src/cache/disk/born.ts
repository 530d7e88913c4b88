/**
 * What the store's generations are in the journal of purges. An answer that was asked for at a generation is concerned by
 * those purges alone that the store had not been told of by then.
 */

interface Step {
  readonly generation: number
  /** The store had been told of all purges before it when it reached this generation, or while it was at it. */
  position: number
}

/** An answer whose origin was asked more purges ago is not kept. */
const stepsMax = 4096

export class BornPositions {
  readonly #steps: Step[] = []

  /** The store, at `generation`, has been told of all purges up to `position`. */
  note(generation: number, position: number): void {
    const last = this.#steps.at(-1)
    if (last !== undefined && last.generation === generation) {
      last.position = position
      return
    }
    this.#steps.push({ generation, position })
    if (this.#steps.length > 2 * stepsMax) this.#steps.splice(0, stepsMax)
  }

  /** -1: nobody knows any more. */
  of(generation: number): number {
    let low = 0
    let high = this.#steps.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#steps[middle] as Step).generation <= generation) low = middle + 1
      else high = middle
    }
    return this.#steps[low - 1]?.position ?? -1
  }
}
