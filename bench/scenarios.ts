/** What is measured: each scenario is a path, a head and a kind of load. */

export interface Scenario {
  readonly name: string
  /** For the table. */
  readonly title: string
  readonly path: string
  /** Sent in addition to Host. */
  readonly fields: readonly string[]
  readonly load: 'wrk' | 'h2load' | 'slow-reader' | 'half-rate'
  /** Over TLS; by HTTP/2 where the load is h2load's. */
  readonly isSecure: boolean
  readonly accessLog: boolean
  /** Of answers that the peers keep: they are set up as caches, and warm. */
  readonly isKept: boolean
}

/** Not a load on peers that run, but on some that have just been started (first-hits.ts). */
export const firstHits = { name: 'first-hits', title: 'first hits on disk after a restart: 1 KiB' } as const

/** With Host the fifteen fields of a browser's navigation. */
const browserFields = [
  'Connection: keep-alive',
  'sec-ch-ua: "Chromium";v="142", "Not_A Brand";v="99", "Google Chrome";v="142"',
  'sec-ch-ua-mobile: ?0',
  'sec-ch-ua-platform: "Linux"',
  'Upgrade-Insecure-Requests: 1',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8',
  'Sec-Fetch-Site: same-origin',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-User: ?1',
  'Sec-Fetch-Dest: document',
  'Referer: https://www.example.com/catalogue/shoes?page=2&sort=price',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: en-GB,en;q=0.9,de;q=0.8',
]

const plain = { fields: [], load: 'wrk', accessLog: false, isKept: false, isSecure: false } as const
const kept = { ...plain, isKept: true } as const
const secure = { isSecure: true } as const
const h2 = { isSecure: true, load: 'h2load' } as const

export const scenarios: readonly Scenario[] = [
  { ...plain, name: 'small', title: '1 KiB, wrk’s own head', path: '/1k' },
  {
    ...plain,
    name: 'browser',
    title: '1 KiB, a browser’s head (15 request fields, 12 answer fields)',
    path: '/rich',
    fields: browserFields,
  },
  { ...plain, name: '64k', title: '64 KiB', path: '/64k' },
  { ...plain, name: '1m', title: '1 MiB', path: '/1m' },
  {
    ...plain,
    name: 'slow-reader',
    title: '8 MiB to 16 slow readers, contents hashed',
    path: '/8m',
    load: 'slow-reader',
  },
  {
    ...plain,
    name: 'half-rate',
    title: '1 KiB at half of its own maximum rate',
    path: '/1k',
    load: 'half-rate',
  },
  { ...plain, name: 'logged', title: '1 KiB, access log on', path: '/1k', accessLog: true },
  { ...kept, name: 'kept', title: 'from the cache: 1 KiB, wrk’s own head', path: '/kept/1k' },
  {
    ...kept,
    name: 'kept-browser',
    title: 'from the cache: 1 KiB, a browser’s head (15 request fields)',
    path: '/kept/1k',
    fields: browserFields,
  },
  { ...kept, name: 'kept-64k', title: 'from the cache: 64 KiB', path: '/kept/64k' },
  { ...kept, name: 'kept-tags', title: 'from the cache: 1 KiB with 16 tags', path: '/kept/tags' },
  { ...plain, ...secure, name: 'tls', title: '1 KiB over TLS', path: '/1k' },
  { ...plain, ...h2, name: 'h2', title: '1 KiB by HTTP/2 over TLS, 16 × 32 streams', path: '/1k' },
  { ...kept, ...secure, name: 'kept-tls', title: 'from the cache: 1 KiB over TLS', path: '/kept/1k' },
  {
    ...kept,
    ...h2,
    name: 'kept-h2',
    title: 'from the cache: 1 KiB by HTTP/2 over TLS, 16 × 32 streams',
    path: '/kept/1k',
  },
]
