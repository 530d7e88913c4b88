/**
 * Cache-Status (RFC 9211): our member of that list, as text. `name` tells this cache from others on the way. The
 * texts of hits are kept, since all hits of a busy entry within a second have the same one.
 */
import type { ReasonRow } from './reasons.ts'

/** Texts kept, by ttl: those of all entries that live less than about an hour without a clash. */
const keptTexts = 4096

/** What a request that went to the origin came to. */
export interface ForwardedStatus {
  /** fwd-status; 0 = none, or the same as the status that is sent. */
  readonly status: number
  readonly isStored: boolean
  /** It waited for the fill of another one. */
  readonly isCollapsed: boolean
}

export class CacheStatus {
  readonly #name: string
  readonly #hit: string
  readonly #ttls: Int32Array = new Int32Array(keptTexts)
  readonly #texts: string[] = Array.from({ length: keptTexts }, () => '')

  /** `name`: a token, or anything that is then quoted. */
  constructor(name = 'headgate') {
    this.#name = memberName(name)
    this.#hit = `${this.#name}; hit; ttl=`
  }

  /** `headgate; hit; ttl=60`. Seconds; negative: how long it has been stale (RFC 9211 §2.4). */
  hit(ttlSeconds: number): string {
    const place = ttlSeconds & (keptTexts - 1)
    const kept = this.#texts[place] as string
    if (this.#ttls[place] === ttlSeconds && kept !== '') return kept
    const text = this.#hit + ttlSeconds
    this.#ttls[place] = ttlSeconds
    this.#texts[place] = text
    return text
  }

  /** A hit that is not the straight path: `detail` says why, '' = nothing to say. */
  hitBecause(ttlSeconds: number, detail: string): string {
    return detail === '' ? this.hit(ttlSeconds) : `${this.hit(ttlSeconds)}; detail=${detail}`
  }

  /** `headgate; fwd=uri-miss; stored`. `detail`: a token, '' = none. */
  forwarded(forwarded: ReasonRow['forwarded'], outcome: ForwardedStatus, detail = ''): string {
    let text = `${this.#name}; fwd=${forwarded === '' ? 'miss' : forwarded}`
    if (outcome.status !== 0) text += `; fwd-status=${outcome.status}`
    if (outcome.isStored) text += '; stored'
    if (outcome.isCollapsed) text += '; collapsed'
    return detail === '' ? text : `${text}; detail=${detail}`
  }

  /** The origin was asked in vain, and what is stored stands in (RFC 9211 §2.1: no hit, as it was forwarded). */
  standIn(
    forwarded: ReasonRow['forwarded'],
    outcome: ForwardedStatus,
    ttlSeconds: number,
    detail: string,
  ): string {
    return `${this.forwarded(forwarded, outcome)}; ttl=${ttlSeconds}; detail=${detail}`
  }

  /** Answered here without asking or having anything (504 for only-if-cached, RFC 9211 has no word for it). */
  refused(detail: string): string {
    return `${this.#name}; detail=${detail}`
  }
}

/** An sf-token as it is, all else as an sf-string (RFC 9651 §3.3). */
function memberName(name: string): string {
  return /^[A-Za-z*][!#$%&'*+\-.^_`|~:/\w]*$/.test(name) ? name : `"${name.replace(/["\\]/g, '\\$&')}"`
}
