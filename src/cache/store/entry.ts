/**
 * Entry: one stored answer, whole or still growing, and what the store keeps with it.
 *
 * Who writes what: a fill makes it (key, head, body, times); the store owns what stands below "The store's". Nobody
 * changes a head or a body that is whole: a validated answer becomes another entry with the same body
 * (`CacheStore.replaceHead`), so a reader under way never sees a mixture of two versions.
 */
import type { ListNode } from '../../core/list.ts'
import type { StoredFields } from '../../http/stored-fields.ts'
import type { MemoryBody } from './memory-body.ts'
import type { SearchRule } from '../keys/no-vary-search.ts'
import type { HostRecord, TagRecord } from './purge-records.ts'
import type { StoredRule } from '../rules/rule.ts'
import type { Vary } from '../keys/vary.ts'

/** What an entry costs beside its texts and its body. Measured by bench/cache/million.ts. */
export const entryOverheadBytes = 900
export const tagOverheadBytes = 8

/** The head of a stored answer: frozen. */
export interface StoredHead {
  readonly status: number
  /** '' for the standard phrase. */
  readonly reason: string
  readonly fields: StoredFields
}

/** Another form of the same answer, such as an encoding, made from it and thrown away with it. */
export interface DerivedForm {
  /** 'br', 'gzip' … */
  readonly name: string
  readonly head: StoredHead
  readonly body: MemoryBody
}

/** What a fill knows when the answer's head has come and is to be stored. */
export interface EntryStart {
  /** From `CacheKey.of`. */
  readonly key: string
  /** From `CacheStore.generation`, read before the request was sent: purges since then concern this answer. */
  readonly bornAt: number
  readonly site: string
  readonly host: string
  readonly head: StoredHead
  /** The body's length when the origin stated it, else -1. */
  readonly statedLength: number
  readonly vary: Vary | null
  /** `vary.variantOf(request)`; '' without Vary. */
  readonly variant: string
  /** From `readTags`; none: `noTags`. */
  readonly tags: readonly string[]
  readonly body: MemoryBody
  /** From `readSearchRule`: which parameters of the query did not matter. */
  readonly searchRule?: SearchRule | null
}

export const noTags: readonly string[] = []

let serialCount = 0

export class Entry implements ListNode<Entry>, StoredRule {
  /** A number that no other entry in use has: tables beside the store go by it. */
  readonly serial: number
  /** The key of the request, or what its rule for parameters makes of it. */
  readonly key: string
  /** The key of the request; of one from the store beneath, its own. */
  readonly requestKey: string
  readonly searchRule: SearchRule | null
  readonly bornAt: number
  readonly site: string
  readonly host: string
  readonly head: StoredHead
  readonly vary: Vary | null
  readonly variant: string
  readonly tagNames: readonly string[]
  readonly body: MemoryBody
  readonly statedLength: number

  // The policy's (StoredRule tells each). `dateMs` and `lastModifiedMs` by the wall, moments monotonic.
  storing = 0
  responseMs = 0
  dateMs = 0
  initialAgeMs = 0
  freshnessMs = 0
  freshUntilMs = -Infinity
  /** Stale-while-revalidate. */
  graceMs = 0
  /** Stale-if-error. */
  errorGraceMs = 0
  /** How long a stale answer is kept to be validated. */
  keepMs = 0
  /** Bits of Rule. */
  flags = 0
  /** '' for none. */
  etag = ''
  /** -1 for none. */
  lastModifiedMs = -1

  // The store's
  /** Purged softly: to be treated as stale. */
  isSoftPurged = false
  /** The purge clock's number when it was last looked at: equal to the clock's, nothing was purged since. */
  checkedAt: number
  /** Found by `find`. */
  isStored = false
  /** Begun and not yet completed or abandoned. */
  isGrowing = false
  /** What it counts for in the store's limit. */
  bytes = 0
  /** How often it was found lately, 0 to 3. */
  uses = 0
  /** How often it was ever found. */
  hits = 0
  /** In the main queue rather than the small one. */
  isMain = false
  /** It came from the store beneath, which needs not be given it. */
  isFromBelow = false
  /** The store beneath has it, too. Set by `PurgePlaces.setBeneath` while it is stored, as it is counted there. */
  isBeneath = false
  /** It grows in the store beneath, or did: its bytes are not accounted for here. */
  isBelow = false
  /** Purged, or out of date while it grew, as another worker has a newer one: it will not be stored. */
  isDoomed = false
  hostRecord: HostRecord | null = null
  tagRecords: readonly TagRecord[] | null = null
  /** The next variant of the same key, older than this one. */
  nextVariant: Entry | null = null
  derived: readonly DerivedForm[] | null = null
  previous: Entry | null = null
  next: Entry | null = null
  list: object | null = null

  constructor(start: EntryStart) {
    serialCount = (serialCount + 1) & 0x3fffffff
    this.serial = serialCount
    this.searchRule = start.searchRule ?? null
    this.requestKey = start.key
    this.key = this.searchRule === null ? start.key : this.searchRule.keyOf(start.key)
    this.bornAt = this.checkedAt = start.bornAt
    this.site = start.site
    this.host = start.host
    this.head = start.head
    this.vary = start.vary
    this.variant = start.variant
    this.tagNames = start.tags
    this.body = start.body
    this.statedLength = start.statedLength
  }

  /** Is its body all there? */
  get isWhole(): boolean {
    return this.body.isWhole
  }
}
