/** What the origin made in a world of the cache on disk, and what was purged. */
import type { PurgeTarget } from '../../../src/cache/store/purge-request.ts'
import type { Random } from '../random.ts'
import type { Spelling } from './spelling.ts'

/** What was made by the origin. */
export interface Version {
  readonly number: number
  readonly url: string
  /** As the client asked for it. */
  readonly spelled: string
  /** It answers other spellings, too. */
  readonly isRuled: boolean
  readonly variant: string
  readonly length: number
  readonly askedAt: number
}

export interface Purge {
  readonly target: PurgeTarget
  readonly isSoft: boolean
  readonly issuedAt: number
  /** Infinity: it was not acknowledged. */
  ackedAt: number
}

/** Does a purge of this target concern it? */
export function concerns(target: PurgeTarget, { url, spelled, isRuled, number }: Version): boolean {
  switch (target.kind) {
    case 'all':
      return true
    case 'host':
      return url.startsWith(`https://${target.host}/`)
    case 'tag':
      return target.tag === `t${number % 3}`
    case 'prefix':
      return url.startsWith(`https://${target.host}${target.target}`)
    case 'url':
      return isRuled
        ? url === `https://${target.host}${target.target.replace(/\?.*/, '')}`
        : spelled === `https://${target.host}${target.target}`
    default:
      return false
  }
}

/** What may be purged that has to do with this URL. */
export function targetsOf(url: string, spelling: Spelling, random: Random): PurgeTarget[] {
  const [, host = '', target = ''] = /^https:\/\/([^/]*)(.*)$/.exec(url) ?? []
  return [
    { kind: 'url', host, target: spelling.of(target) },
    { kind: 'prefix', host, target: target.slice(0, random.between(1, 4)) },
    { kind: 'host', host },
    { kind: 'tag', tag: `t${random.between(0, 2)}` },
    { kind: 'all' },
  ]
}

/** Some are sent block by block, and some have no room in memory. */
export function lengthFor(random: Random, isLarge: boolean): number {
  if (random.chance(isLarge ? 0.5 : 0.05)) return random.between(520_000, 700_000)
  return random.chance(0.1) ? random.between(260_000, 330_000) : random.skewed(90_000)
}

/** The body of a version: no two are alike. */
export function bodyFor(number: number, length: number): Buffer {
  const body = Buffer.alloc(length, number & 0xff)
  for (let i = 0; i + 4 <= length; i += 4) body.writeUInt32LE((number * 2654435761 + i) >>> 0, i)
  return body
}
