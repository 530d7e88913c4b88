/**
 * What `find` costs for entries without tags and with 16, at rest and while other tags and prefixes are being purged.
 *
 *     node bench/micro/tagged-hit.ts [rounds]
 */
import { Entry } from '../../src/cache/store/entry.ts'
import { CacheKey, keyHost } from '../../src/cache/keys/key.ts'
import { MemoryBody } from '../../src/cache/store/memory-body.ts'
import { MemoryStore } from '../../src/cache/memory/memory-store.ts'
import type { PurgeTarget } from '../../src/cache/store/store.ts'
import { systemClock } from '../../src/core/clock.ts'
import { Fields } from '../../src/http/fields.ts'
import { RequestHead } from '../../src/http/message.ts'
import { StoredFields } from '../../src/http/stored-fields.ts'
import { readTarget } from '../../src/http/target.ts'

const rounds = Number(process.argv[2] ?? 2_000_000)
const store = new MemoryStore({ clock: systemClock, bytesMax: 2 ** 30 })
const keys = new CacheKey('www.example.com', 'app')
const request = new RequestHead()
request.scheme = 'https'
request.host = 'www.example.com'

function put(target: string, tags: readonly string[]): string {
  readTarget(target, request)
  const entry = new Entry({
    key: keys.of(request),
    bornAt: store.generation,
    site: 'www.example.com',
    host: keyHost(request),
    head: { status: 200, reason: '', fields: StoredFields.of(new Fields()) },
    statedLength: 0,
    vary: null,
    variant: '',
    tags,
    body: new MemoryBody(0),
  })
  if (!store.begin(entry) || !store.complete(entry)) throw new Error('not stored')
  return entry.key
}

const tags = Array.from({ length: 16 }, (_, i) => `tag-${i}`)
const plain = Array.from({ length: 100 }, (_, i) => put(`/plain/${i}`, []))
const tagged = Array.from({ length: 100 }, (_, i) => put(`/tagged/${i}`, tags))

/** Nanoseconds for one find; `target` is purged every `every` finds. */
function measure(list: readonly string[], every: number, target: PurgeTarget | null): number {
  const begin = process.threadCpuUsage()
  for (let n = 0; n < rounds; n++) {
    if (target !== null && n % every === 0) store.purge({ target })
    if (store.find(list[n % list.length] as string, request) === null) throw new Error('not found')
  }
  const { user, system } = process.threadCpuUsage(begin)
  return ((user + system) * 1000) / rounds
}

function compare(name: string, every: number, target: PurgeTarget | null): void {
  const results = [plain, tagged].map((list) => {
    const times = [0, 1, 2, 3, 4].map(() => measure(list, every, target))
    return Math.min(...times).toFixed(1)
  })
  console.log(`${name.padEnd(44)} ${results[0]} ns without tags, ${results[1]} ns with 16`)
}

compare('at rest', 1, null)
compare('another tag purged every 10,000 hits', 10_000, { kind: 'tag', tag: 'other' })
compare('a prefix purged every 10,000 hits', 10_000, {
  kind: 'prefix',
  host: 'www.example.com',
  target: '/x/',
})
store.close()
