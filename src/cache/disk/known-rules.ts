/**
 * KnownRules: the rules for parameters (No-Vary-Search) by which a request may have been answered: those that this
 * worker has stored answers under or has been told of, and those in the rules file of the request's path.
 *
 * That file is looked for when nothing is stored under the request's own key: it costs one more `open` per miss.
 */
import { searchPathOf, type SearchRule, type SearchRules } from '../keys/no-vary-search.ts'
import type { Disk } from './disk.ts'
import { DAMAGED, loadHead, loadHeadNow, type LoadedHead, type Missing } from './load.ts'
import { pathOf, rulesNameOf } from './names.ts'
import type { Pace } from './pace.ts'
import { readRules } from './record.ts'

/** Files that are read at the same time; who comes when there are more goes by what the worker knows. */
const readingMax = 1000

export interface KnownRulesOwner {
  readonly disk: Disk
  readonly root: string
  readonly pace: Pace
  readonly searchRules: SearchRules
  onDamaged(name: string): void
  /** A file was of use. */
  onFound(name: string): void
}

export class KnownRules {
  readonly #owner: KnownRulesOwner
  readonly #reading = new Map<string, Promise<void>>()

  constructor(owner: KnownRulesOwner) {
    this.#owner = owner
  }

  /** Read while everybody waits. undefined: ask `of`. */
  now(key: string): readonly SearchRule[] | undefined {
    return this.#owner.pace.isQuick ? this.peekNow(key) : undefined
  }

  /** The same for people, however long it takes. undefined: nobody can tell at once. */
  peekNow(key: string): readonly SearchRule[] | undefined {
    const { disk, root, pace, searchRules } = this.#owner
    if (!pace.isLocal) return undefined
    const path = searchPathOf(key)
    const name = rulesNameOf(path)
    this.#take(
      pace.measure(() => loadHeadNow(disk, pathOf(root, name))),
      name,
      path,
    )
    return searchRules.of(key)
  }

  /** Never rejects. */
  async of(key: string): Promise<readonly SearchRule[]> {
    const path = searchPathOf(key)
    const name = rulesNameOf(path)
    await (this.#reading.get(name) ?? this.#read(name, path))
    return this.#owner.searchRules.of(key)
  }

  async #read(name: string, path: string): Promise<void> {
    if (this.#reading.size >= readingMax) return
    const { disk, root } = this.#owner
    const read = loadHead(disk, pathOf(root, name)).then((loaded) => this.#take(loaded, name, path))
    this.#reading.set(name, read)
    await read
    this.#reading.delete(name)
  }

  #take(loaded: LoadedHead | Missing, name: string, path: string): void {
    const owner = this.#owner
    if (loaded === DAMAGED) return owner.onDamaged(name)
    if (typeof loaded === 'string') return
    const rules = readRules(loaded, path)
    if (rules === null) return
    owner.searchRules.learn(path, rules)
    owner.onFound(name)
  }
}
