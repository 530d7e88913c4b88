/** What the tests of stores are written with: requests and entries made of few words. */
import { Entry, noTags, type EntryStart } from '../../../src/cache/store/entry.ts'
import { CacheKey, keyHost } from '../../../src/cache/keys/key.ts'
import { MemoryBody } from '../../../src/cache/store/memory-body.ts'
import { readSearchRule } from '../../../src/cache/keys/no-vary-search.ts'
import type { CacheStore } from '../../../src/cache/store/store.ts'
import { readTags } from '../../../src/cache/rules/tags.ts'
import { readVary, VARY_ANY } from '../../../src/cache/keys/vary.ts'
import { Fields } from '../../../src/http/fields.ts'
import { RequestHead } from '../../../src/http/message.ts'
import { StoredFields } from '../../../src/http/stored-fields.ts'
import type { ManualClock } from '../../story/manual-clock.ts'
import { parseAuthority, readTarget, setAuthority } from '../../../src/http/target.ts'

/** 'https://host[:port]/target' asked for with these fields. */
export function requestFor(url: string, fields: Readonly<Record<string, string>> = {}): RequestHead {
  const parts = /^(https?):\/\/([^/]*)(\/.*)$/.exec(url)
  const authority = parts === null ? null : parseAuthority(parts[2] ?? '')
  if (parts === null || authority === null) throw new Error(`not a URL of a test: ${url}`)
  const head = new RequestHead()
  head.method = 'GET'
  head.scheme = parts[1] ?? ''
  setAuthority(head, authority)
  if (readTarget(parts[3] ?? '', head) !== 0) throw new Error(`not a target: ${parts[3]}`)
  for (const [name, value] of Object.entries(fields)) head.fields.add(name, value)
  return head
}

export function fieldsOf(list: Readonly<Record<string, string>>): Fields {
  const fields = new Fields()
  for (const [name, value] of Object.entries(list)) fields.add(name, value)
  return fields
}

export interface Described {
  readonly site?: string
  readonly zone?: string
  readonly keys?: CacheKey
  readonly fields?: Readonly<Record<string, string>>
  readonly bornAt?: number
  readonly dateMs?: number
  readonly body?: Buffer
  /** Where the body is not at hand: its length … */
  readonly statedLength?: number
  /** … or the one of another entry. */
  readonly memoryBody?: MemoryBody
  /** false: chunked, as far as the store knows. */
  readonly isStated?: boolean
}

export const plainKeys: CacheKey = new CacheKey('site', 'zone')

/** An entry for `request` that is not in any store yet; its body is empty. */
export function entryFor(store: CacheStore, request: RequestHead, how: Described = {}): Entry {
  const keys = how.keys ?? new CacheKey(how.site ?? 'site', how.zone ?? 'zone')
  const fields = fieldsOf(how.fields ?? {})
  const vary = readVary(fields, null)
  if (vary === VARY_ANY) throw new Error('not to be stored')
  const statedLength = how.isStated === false ? -1 : (how.statedLength ?? how.body?.length ?? 0)
  const start: EntryStart = {
    key: keys.of(request),
    bornAt: how.bornAt ?? store.generation,
    site: keys.site,
    host: keyHost(request),
    head: { status: 200, reason: '', fields: StoredFields.of(fields) },
    statedLength,
    vary,
    variant: vary === null ? '' : vary.variantOf(request),
    tags: readTags(fields, 'https://origin') ?? noTags,
    body: how.memoryBody ?? new MemoryBody(statedLength),
    searchRule: readSearchRule(fields),
  }
  const entry = new Entry(start)
  entry.dateMs = how.dateMs ?? 0
  return entry
}

/** Stores an answer; null when the store did not take it. */
export function put(store: CacheStore, request: RequestHead, how: Described = {}): Entry | null {
  const entry = entryFor(store, request, how)
  if (!store.begin(entry)) return null
  const body = how.body ?? Buffer.alloc(0)
  if (body.length > 0 && !store.append(entry, body, 0, body.length)) return null
  return store.complete(entry) ? entry : null
}

/** What the store has for a request in the plain zone. */
export function find(
  store: CacheStore,
  url: string,
  fields: Readonly<Record<string, string>> = {},
): Entry | null {
  const request = requestFor(url, fields)
  return store.find(plainKeys.of(request), request)
}

/** Makes a store, and the clock that it goes by. */
export type SmallStore = (bytesMax?: number) => { clock: ManualClock; store: CacheStore }

/** All bytes of an entry's body. */
export function bodyOf(entry: Entry): Buffer {
  return entry.body.single ?? Buffer.concat(entry.body.blocks, entry.body.length)
}
