/** What the origin made in a world of the cache on disk, and what was purged. */
import type { PurgeTarget } from '../../../src/cache/store/purge-request.ts'

/** What was made by the origin. */
export interface Version {
  readonly number: number
  readonly url: string
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
export function concerns(target: PurgeTarget, { url, number }: Version): boolean {
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
      return url === `https://${target.host}${target.target}`
    default:
      return false
  }
}

/** The body of a version: no two are alike. */
export function bodyFor(number: number, length: number): Buffer {
  const body = Buffer.alloc(length, number & 0xff)
  for (let i = 0; i + 4 <= length; i += 4) body.writeUInt32LE((number * 2654435761 + i) >>> 0, i)
  return body
}
