/**
 * The primary key: site, zone and the client's normalised public URL, and what the operator chose besides.
 */
import type { RequestHead } from '../http/message.ts'

/** Which query parameters are part of the key. A name that ends in '*' stands for all that begin so. */
export type QueryChoice =
  | 'all'
  | 'none'
  | { readonly only: readonly string[] }
  | { readonly without: readonly string[] }

export interface KeyChoices {
  readonly query?: QueryChoice
  /** Parameters in another order are the same request; those of one name keep their order. */
  readonly sortQuery?: boolean
  /** Lower-case names of request fields. */
  readonly headers?: readonly string[]
  readonly cookies?: readonly string[]
  /** Phones, tablets and others apart, by User-Agent. */
  readonly device?: boolean
  /** Languages that the site has, in order of preference: the best for Accept-Language. */
  readonly languages?: readonly string[]
}

export class CacheKey {
  readonly site: string
  readonly zone: string
  readonly choices: KeyChoices

  constructor(site: string, zone: string, choices: KeyChoices = {}) {
    this.site = site
    this.zone = zone
    this.choices = choices
  }

  /** The key of a request. `bodyDigest`: of a QUERY's body (RFC 10008); '' for GET and HEAD, which share a key. */
  of(request: RequestHead, bodyDigest = ''): string {
    return [this.site, this.zone, request.authority, request.target, bodyDigest].join('\n')
  }

  /** The same in words, for `explain`: one sentence each. */
  describe(request: RequestHead): string[] {
    return [this.of(request)]
  }
}

/** host[:port] as it stands in keys: the port only where it is not the scheme's own. */
export function keyHost(request: RequestHead): string {
  return request.authority
}
