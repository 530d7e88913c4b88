/**
 * Account: one file of the folder, as known to the worker that keeps the accounts: its size, how often it was useful
 * and, where it holds an answer in force, what purges count it by (ledger.ts).
 */
import { isUnderRule } from '../keys/no-vary-search.ts'
import type { Admitted } from '../memory/admission.ts'
import { noTags } from '../store/entry.ts'
import type { HostRecord, PurgeMember, TagRecord } from '../store/purge-records.ts'

export class Account implements Admitted<Account>, PurgeMember {
  readonly name: string
  /** The key of the answer in it; the file's name where it has none or nobody has looked. */
  key: string
  bytes: number
  uses = 0
  isMain = false
  previous: Account | null = null
  next: Account | null = null
  list: object | null = null
  checkedAt = 0
  isDoomed = false
  /** It holds an answer in force that is not counted, because the ledger has no room. */
  isUncounted = false
  hostRecord: HostRecord | null = null
  tagRecords: readonly TagRecord[] | null = null
  /** The next account whose answer has the same URL, or the same hash of it (url-chains.ts). */
  previousOfUrl: Account | null = null
  nextOfUrl: Account | null = null

  constructor(name: string, bytes: number) {
    this.name = this.key = name
    this.bytes = bytes
  }

  /** Is it counted in the ledger? */
  get isStored(): boolean {
    return this.hostRecord !== null
  }

  get site(): string {
    return this.hostRecord?.site ?? ''
  }

  get host(): string {
    return this.hostRecord?.name ?? ''
  }

  get tagNames(): readonly string[] {
    return this.tagRecords?.map(({ name }) => name) ?? noTags
  }

  /** null: the answer has none. */
  get searchRule(): string | null {
    return isUnderRule(this.key) ? this.key : null
  }

  get bornAt(): number {
    return this.checkedAt
  }

  get isBeneath(): boolean {
    return false
  }

  /** The file itself says so. */
  get isSoftPurged(): boolean {
    return false
  }

  set isSoftPurged(_: boolean) {}
}
