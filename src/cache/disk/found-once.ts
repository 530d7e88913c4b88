/**
 * FoundOnce: which files were read recently. An answer that is asked for only once then takes no room in memory: it
 * goes there when it is asked for again.
 *
 * It is a table of fixed size, 256 KiB: a file is forgotten when another takes its place. Files are told apart by 32
 * bits; one that is mistaken for another gets into memory a little early.
 */

/** As many places as four digits of a name tell apart. */
const placeDigits = 4
const places = 16 ** placeDigits

export class FoundOnce {
  readonly #marks = new Uint32Array(places)

  /** Was this name noted, and not forgotten? It is noted by this. */
  note(name: string): boolean {
    const place = Number.parseInt(name.slice(0, placeDigits), 16)
    const mark = Number.parseInt(name.slice(placeDigits, placeDigits + 8), 16)
    if (this.#marks[place] === mark) return true
    this.#marks[place] = mark
    return false
  }
}
