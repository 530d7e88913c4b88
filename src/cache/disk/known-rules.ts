/**
 * KnownRules: the rules for parameters (No-Vary-Search) by which a request may have been answered: those that this
 * worker has stored answers under or has been told of, and those in the rules file of the request's path.
 *
 * That file is looked for when nothing is stored under the request's own key: it costs one more `open` per miss.
 */
import { searchPathOf, type SearchRule, type SearchRules } from '../keys/no-vary-search.ts'
import { codeOf, type Disk } from './disk.ts'
import { DAMAGED, loadHead, loadHeadNow, type LoadedHead, type Missing } from './load.ts'
import { pathOf, rulesNameOf } from './names.ts'
import type { Pace } from './pace.ts'
import { readRules } from './record.ts'

/** In the folder, once files of rules may be. Empty. */
const markName = 'rules'

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

const noRules: readonly SearchRule[] = []

export class KnownRules {
  readonly #owner: KnownRulesOwner
  readonly #reading = new Map<string, Promise<void>>()
  /** There may be files of rules from before this worker was told of any. */
  #mayBeThere = true
  #hasMissed = false
  #isMarked = false

  constructor(owner: KnownRulesOwner) {
    this.#owner = owner
  }

  /** The folder can be used, and what other workers write from now on is heard of. Never rejects. */
  async begin(): Promise<void> {
    const { disk, root } = this.#owner
    this.#mayBeThere = true
    this.#isMarked = false
    const isThere = await disk.sizeOf(`${root}/${markName}`).then(
      () => true,
      (error: unknown) => codeOf(error) !== 'ENOENT',
    )
    this.#mayBeThere = isThere || this.#hasMissed
  }

  /** What other workers have told was not all heard. */
  onMissed(): void {
    this.#mayBeThere = this.#hasMissed = true
  }

  /** Before a file of rules is written: whoever opens the folder later, also after a loss of power, will look for it. */
  async mark(): Promise<void> {
    if (this.#isMarked) return
    const { disk, root } = this.#owner
    try {
      const file = await disk.create(`${root}/${markName}`)
      file.close()
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
    await disk.syncFolder(root)
    this.#isMarked = true
  }

  get #isNoneThere(): boolean {
    return !this.#mayBeThere && this.#owner.searchRules.isEmpty
  }

  /** Read while everybody waits. undefined: ask `of`. */
  now(key: string): readonly SearchRule[] | undefined {
    if (this.#isNoneThere) return noRules
    return this.#owner.pace.isQuick ? this.peekNow(key) : undefined
  }

  /** The same for people, however long it takes. undefined: nobody can tell at once. */
  peekNow(key: string): readonly SearchRule[] | undefined {
    const { disk, root, pace, searchRules } = this.#owner
    if (this.#isNoneThere) return noRules
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
    if (this.#isNoneThere) return noRules
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
