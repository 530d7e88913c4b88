/**
 * Ledger: how many answers on disk a purge concerns, in the worker that keeps the accounts. It counts as memory does
 * (purge.ts): by records of everything, sites, hosts and tags that are updated when a file comes or goes; for
 * prefixes by a walk over the accounts in the background; by URL from chains. It opens no file to do so.
 *
 * Promises: a counted report is exact for what the accounts had been told of when the purge came. No report is ready
 * until the folder has been walked over (`complete`); those requested meanwhile include what the walk found.
 *
 * What is counted out here still lies on disk until the keeper compares the files with the purges: that comparison
 * alone decides.
 */
import type { Clock } from '../../core/clock.ts'
import { Sweep, type Walk } from '../memory/sweep.ts'
import { add } from '../purge/purge-places.ts'
import { Purges } from '../purge/purge.ts'
import { readKey } from '../keys/key.ts'
import { isUnderRule, pathIn } from '../keys/no-vary-search.ts'
import type { PurgeReport, PurgeRequest, PurgeTarget } from '../store/purge-request.ts'
import type { Account } from './account.ts'
import type { RecordFacts } from './record.ts'
import { UrlChains } from './url-chains.ts'

/** How many answers are counted: about 250 bytes each, besides what their files cost in the accounts. */
export const membersMax = 2_000_000
/** How many different hosts and tags: about 300 bytes each. */
export const recordsMax = 500_000
/** How many tags of all answers together: 8 bytes each. */
export const tagsMax = 10_000_000
/** How many answers of one URL are counted at once. */
const urlMax = 500

export interface LedgerLimits {
  readonly membersMax: number
  readonly recordsMax: number
  readonly tagsMax: number
}

export class Ledger {
  readonly #purges: Purges
  readonly #sweep: Sweep<Account>
  readonly #urls = new UrlChains()
  readonly #limits: LedgerLimits
  /** The generation before any purge that it has been told of. */
  readonly #startedAt: number
  #tags = 0
  #uncounted = 0

  constructor(
    clock: Clock,
    accounts: { walk(): Walk<Account> },
    limits: LedgerLimits = { membersMax, recordsMax, tagsMax },
  ) {
    this.#purges = new Purges(clock)
    this.#purges.isComplete = false
    this.#startedAt = this.#purges.generation
    this.#limits = limits
    this.#sweep = new Sweep(clock, this.#purges, accounts, [], (account) => void this.#settle(account))
  }

  /** How many answers are counted. */
  get size(): number {
    return this.#purges.places.everything.count
  }

  /** Are there answers for which it has no room? Then every count is only a lower bound. */
  get isPartial(): boolean {
    return this.#uncounted > 0
  }

  /**
   * The file has this answer, which no purge so far concerns; with `wasThere`, none except those that it was
   * told of.
   */
  enter(account: Account, facts: RecordFacts, wasThere = false): void {
    if (account.isStored) this.leave(account)
    account.isDoomed = false
    if (!this.#hasRoom(facts)) {
      account.isUncounted = true
      this.#uncounted++
      return
    }
    account.key = facts.key
    account.checkedAt = wasThere ? this.#startedAt : this.#purges.generation
    const { places } = this.#purges
    places.join(account, { site: facts.site, host: facts.host, tagNames: facts.tags })
    places.enter(account)
    this.#tags += facts.tags.length
    this.#urls.add(account)
    this.#settle(account)
  }

  #hasRoom({ tags }: RecordFacts): boolean {
    const { membersMax: members, recordsMax: records, tagsMax: most } = this.#limits
    return this.size < members && this.#purges.places.size < records && this.#tags + tags.length <= most
  }

  /** The file is removed, was purged, or has another answer. */
  leave(account: Account): void {
    if (account.isUncounted) {
      account.isUncounted = false
      this.#uncounted--
    }
    if (!account.isStored) return
    // It is counted for earlier purges that may concern it.
    this.#purges.settle(account)
    this.#tags -= account.tagRecords?.length ?? 0
    this.#urls.delete(account)
    this.#purges.places.leave(account)
    account.hostRecord = account.tagRecords = null
  }

  #settle(account: Account): boolean {
    if (!account.isStored) return false
    if (this.#purges.settle(account)) return true
    this.leave(account)
    return false
  }

  purge({ target, isSoft = false, isDry = false }: PurgeRequest): PurgeReport {
    const report = this.#purge(target, isSoft, isDry)
    return this.isPartial ? new LeastReport(report) : report
  }

  #purge(target: PurgeTarget, isSoft: boolean, isDry: boolean): PurgeReport {
    const purges = this.#purges
    const isUrl = target.kind === 'url' || target.kind === 'key'
    const few = isUrl && purges.isComplete ? this.#fewOf(target) : null
    if (few !== null) return this.#purgeFew(few, !isSoft && !isDry)
    const mark = isUrl ? purges.noteUrl(target, isSoft, true, isDry) : purges.purge(target, isSoft, isDry)
    if (mark.generation > 0 && purges.isComplete) this.#sweep.wake()
    return mark
  }

  /** The answers of a URL or key; null when there are many. */
  #fewOf(target: PurgeTarget & { kind: 'url' | 'key' }): Account[] | null {
    const parts = target.kind === 'key' ? readKey(target.key) : null
    const url =
      target.kind === 'key'
        ? (parts?.host ?? '') + target.key.slice(parts?.targetStart, parts?.targetEnd)
        : target.host + target.target
    const found = this.#urls.of(url, urlMax)
    // Of answers under a rule for parameters, any of the path is concerned (marks.ts).
    const ofPath = this.#urls.of(pathIn(url), urlMax)
    if (found.length > urlMax || ofPath.length > urlMax) return null
    const plain = found.filter(({ key }) => !isUnderRule(key))
    const ruled = ofPath.filter(({ key }) => isUnderRule(key))
    const meant =
      target.kind === 'key'
        ? [...plain.filter(({ key }) => key === target.key), ...ruled]
        : [...plain, ...ruled].filter(({ site }) => target.site === undefined || site === target.site)
    return meant.filter((account) => this.#settle(account))
  }

  #purgeFew(accounts: readonly Account[], isHard: boolean): PurgeReport {
    const tally = { count: 0, bytes: 0, ownCount: 0, ownBytes: 0 }
    for (const account of accounts) {
      add(tally, 1, account.bytes, false)
      if (!isHard) continue
      account.isDoomed = true
      this.leave(account)
    }
    return { ...tally, generation: 0, isCounted: true }
  }

  /** The folder has been walked over: whatever is entered from now on is new. */
  complete(): void {
    this.#purges.isComplete = true
    this.#sweep.wake()
  }

  close(): void {
    this.#sweep.close()
  }
}

/** The report of a purge that may concern answers which are not counted. */
class LeastReport implements PurgeReport {
  readonly #report: PurgeReport
  readonly isCounted = false

  constructor(report: PurgeReport) {
    this.#report = report
  }

  get generation(): number {
    return this.#report.generation
  }

  get count(): number {
    return this.#report.count
  }

  get bytes(): number {
    return this.#report.bytes
  }

  get ownCount(): number {
    return this.#report.ownCount
  }

  get ownBytes(): number {
    return this.#report.ownBytes
  }
}
