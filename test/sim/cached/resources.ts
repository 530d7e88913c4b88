/**
 * What the origins of the cached routes have: resources of zones, whose answers say how they may be kept, vary, and become
 * other versions in time. Every answer that must not be mixed up with another has a number of its own, and its bytes are
 * made from that.
 */
import type { Random } from '../random.ts'

/** How an answer may be kept, and for how long a client may be given it after the origin stood by it. */
export const keepings = {
  public: { cacheControl: 'max-age=100000', allowedMs: 100_000_000, isShared: true },
  short: { cacheControl: 'max-age=1', allowedMs: 1000, isShared: true },
  graceful: { cacheControl: 'max-age=1, stale-while-revalidate=5', allowedMs: 6000, isShared: true },
  lenient: { cacheControl: 'max-age=1, stale-if-error=600', allowedMs: 601_000, isShared: true },
  validated: { cacheControl: 'no-cache', allowedMs: 0, isShared: true },
  private: { cacheControl: 'private, max-age=100', allowedMs: 0, isShared: false },
  forbidden: { cacheControl: 'no-store', allowedMs: 0, isShared: false },
} as const
export type Keeping = keyof typeof keepings

export interface Resource {
  readonly zone: string
  readonly path: string
  /** null: each answer draws its own. */
  readonly keeping: Keeping | null
  readonly varies: boolean
  /** Another version from then on, again and again; Infinity: always the same. */
  readonly periodMs: number
  readonly bytesMax: number
  /** All its versions have one length, so that only their validators tell them apart. */
  readonly isEven: boolean
  /** Its entity-tags are weak: no part of it may be put together with another. */
  readonly isWeak: boolean
  readonly framing: 'length' | 'chunked' | 'close'
  readonly purges: ResourcePurge[]
  /** Raised when it is changed though its entity-tag stays, as a purge must then make good. */
  edition: number
}

/** A purge that concerns a resource. */
export interface ResourcePurge {
  readonly issuedMs: number
  /** Infinity: it was not acknowledged. */
  ackedMs: number
  /** It was changed under its entity-tag at that moment. */
  readonly isEdit: boolean
}

/** One representation that an origin gave out. */
export interface Given {
  readonly id: number
  /** Of its entity-tag. */
  readonly tag: number
  readonly resource: Resource
  readonly variant: string
  /** What a QUERY asked; '' for GET. */
  readonly content: string
  /** For this request alone; -1: for all. */
  readonly owner: number
  readonly bytes: number
  /** When an origin last said that it is right. */
  confirmedMs: number
  /** The longest that any answer with it allowed. */
  allowedMs: number
}

/** What a request asks an origin for, beside the path. */
export interface AskedFor {
  readonly number: number
  readonly language: string
  readonly content: string
  readonly range: string
}

/** As it stands in the field. */
export function entityTag({ tag, resource }: Given): string {
  return `${resource.isWeak ? 'W/' : ''}"${tag}"`
}

/**
 * Who asked at this moment may be given bytes of another edition: it was changed under its entity-tag before all of it came,
 * and no purge since was acknowledged when it was asked for.
 */
export function isInDoubt({ resource }: Given, sentMs: number): boolean {
  const { purges } = resource
  const lastEdit = purges.findLast(({ isEdit }) => isEdit)
  return (
    lastEdit !== undefined &&
    !purges.some(({ issuedMs, ackedMs }) => issuedMs >= lastEdit.issuedMs && ackedMs <= sentMs)
  )
}

export class Resources {
  readonly random: Random
  readonly list: Resource[] = []
  readonly given: Map<number, Given> = new Map()
  /** Requests that reached an origin, by zone, path, variant, content and range. */
  readonly asked: Map<string, number> = new Map()
  /** What a client had the whole of last, by zone, path and variant: nobody may get anything older; null: that is not looked at. */
  lastSeen: Map<string, number> | null = null
  /** The last edition of each. */
  readonly #shared: Map<string, { readonly given: Given; readonly edition: number }> = new Map()

  constructor(random: Random) {
    this.random = random
  }

  draw(zones: readonly string[], bytesMax: number, kind: 'steady' | 'crowded' | 'mixed'): void {
    const { random } = this
    const isSteady = kind === 'steady'
    const isCrowded = kind === 'crowded'
    for (let i = random.between(1, 4); i > 0; i--) {
      const keeping =
        isSteady || isCrowded ? 'public' : random.pick([...keepingNames, 'public', null] as const)
      // The same path in each zone, and not the same content.
      for (const zone of zones) {
        this.list.push({
          zone,
          path: `/r/${i}`,
          keeping,
          varies: random.chance(0.4),
          periodMs: isSteady || random.chance(0.4) ? Infinity : random.between(50, 3000),
          isEven: isCrowded || random.chance(0.5),
          isWeak: !isCrowded && random.chance(0.15),
          bytesMax: isCrowded ? bytesMax : this.#drawBytes(bytesMax),
          framing: isCrowded ? 'length' : random.pick(['length', 'length', 'chunked', 'close'] as const),
          purges: [],
          edition: 0,
        })
      }
    }
  }

  /** Large ones are seldom, but they are. */
  #drawBytes(bytesMax: number): number {
    const { random } = this
    return random.chance(0.1) ? 0 : random.chance(0.05) ? bytesMax : random.skewed(bytesMax) + 1
  }

  find(zone: string, path: string): Resource | undefined {
    return this.list.find((resource) => resource.zone === zone && resource.path === path)
  }

  /** What the origin has at this moment for a request. */
  current(
    resource: Resource,
    { language, content, number }: AskedFor,
    nowMs: number,
  ): readonly [given: Given, keeping: Keeping] {
    const keeping = resource.keeping ?? this.random.pick(keepingNames)
    const { allowedMs, isShared } = keepings[keeping]
    const variant = resource.varies ? language : ''
    const version = resource.periodMs === Infinity ? 0 : Math.floor(nowMs / resource.periodMs)
    const name = `${resource.zone} ${resource.path} ${variant} ${version} ${content}`
    const known = isShared ? this.#shared.get(name) : undefined
    let given = known?.given
    if (known === undefined || given === undefined || known.edition !== resource.edition) {
      const id = this.given.size + 1
      const owner = isShared ? -1 : number
      const tag = given?.tag ?? id
      const bytes = given?.bytes ?? this.#bytesOf(resource)
      given = { id, tag, resource, variant, content, owner, bytes, confirmedMs: nowMs, allowedMs: 0 }
      this.given.set(id, given)
      if (isShared) this.#shared.set(name, { given, edition: resource.edition })
    }
    given.confirmedMs = nowMs
    given.allowedMs = Math.max(given.allowedMs, allowedMs)
    return [given, keeping]
  }

  seen(resource: Resource, language: string): number {
    return this.lastSeen?.get(seenName(resource, language)) ?? 0
  }

  noteSeen({ id, resource, variant }: Given): void {
    const name = seenName(resource, variant)
    this.lastSeen?.set(name, Math.max(id, this.lastSeen.get(name) ?? 0))
  }

  #bytesOf({ isEven, bytesMax }: Resource): number {
    const share = isEven ? 1 : 0.5 + this.random.next() / 2
    return Math.floor(bytesMax * share)
  }

  /** What has this entity-tag: the last edition of it. */
  tagged(text: string): Given | undefined {
    const tag = Number(/\d+/.exec(text)?.[0])
    return [...this.given.values()].findLast((given) => given.tag === tag)
  }

  noteAsked(resource: Resource, { language, content, range }: AskedFor): void {
    const name = `${resource.zone} ${resource.path} ${resource.varies ? language : ''} ${content} ${range}`
    this.asked.set(name, (this.asked.get(name) ?? 0) + 1)
  }
}

function seenName({ zone, path, varies }: Resource, language: string): string {
  return `${zone} ${path} ${varies ? language : ''}`
}

const keepingNames = Object.keys(keepings) as Keeping[]
