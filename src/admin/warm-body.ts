/** The bodies of `POST /warm`: what is to be fetched into the cache, and the sum of what all workers answered. */

export interface WarmField {
  readonly name: string
  readonly value: string
}

/** What a process is asked to do. A `start` that comes while it is working adds to the work. */
export type WarmOrder =
  | {
      readonly action: 'start'
      readonly urls: readonly string[]
      readonly sitemaps: readonly string[]
      /** Requests under way at once. */
      readonly concurrency: number
      readonly fields: readonly WarmField[]
    }
  | { readonly action: 'progress' }
  | { readonly action: 'stop' }

/** How much of it a process has done. */
export interface WarmProgress {
  readonly isRunning: boolean
  /** The URLs known so far; sitemaps that are still to be read will add more. */
  readonly total: number
  readonly done: number
  /** URLs whose answers were stored already. */
  readonly hits: number
  /** URLs that the origin was asked for and whose answers are stored now, or that another request brought. */
  readonly fetched: number
  /** URLs that were answered but not stored: they bypass the cache, or the answer may not be stored. */
  readonly passed: number
  readonly failed: number
  readonly bytes: number
  readonly sitemaps: number
  readonly tookMs: number
  /** The first ones. */
  readonly failures: readonly { readonly url: string; readonly reason: string }[]
}

/** As browsers ask, so that they find what was stored: many origins' answers depend on Accept-Encoding. */
const defaultFields: readonly WarmField[] = [{ name: 'Accept-Encoding', value: 'gzip, deflate, br, zstd' }]

/** Few enough that an origin that serves people meanwhile does not suffer. */
export const defaultConcurrency = 4
export const concurrencyMax = 256
/** A sitemap has 50,000 at most (sitemaps.org). */
export const urlsMax = 200_000

/** The order, or the sentence that says what is wrong with it. */
export function readWarmOrder(text: string): WarmOrder | string {
  const value = readJson(text)
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return 'a JSON object is expected'
  const {
    url,
    sitemap,
    concurrency = defaultConcurrency,
    field = [],
    ...others
  } = value as Record<string, unknown>
  const [unknown] = Object.keys(others)
  if (unknown !== undefined)
    return `"${unknown}" is not known: there are "url", "sitemap", "concurrency" and "field"`
  const urls = readUrls(url, 'url')
  if (typeof urls === 'string') return urls
  const sitemaps = readUrls(sitemap, 'sitemap')
  if (typeof sitemaps === 'string') return sitemaps
  if (urls.length + sitemaps.length === 0) return 'say what: "url" or "sitemap"'
  if (urls.length > urlsMax) return `at most ${urlsMax} URLs at once`
  if (
    !Number.isInteger(concurrency) ||
    (concurrency as number) < 1 ||
    (concurrency as number) > concurrencyMax
  )
    return `"concurrency" is a whole number from 1 to ${concurrencyMax}`
  const fields = readFields(field)
  if (typeof fields === 'string') return fields
  const names = new Set(fields.map(({ name }) => name.toLowerCase()))
  const all = [...fields, ...defaultFields.filter(({ name }) => !names.has(name.toLowerCase()))]
  return { action: 'start', urls, sitemaps, concurrency: concurrency as number, fields: all }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function readUrls(value: unknown, name: string): readonly string[] | string {
  const list = value === undefined ? [] : Array.isArray(value) ? value : [value]
  for (const url of list) {
    if (typeof url !== 'string' || readHttpUrl(url) === null)
      return `"${name}": ${JSON.stringify(url)} is not a URL with http:// or https://`
  }
  return list as string[]
}

/** null: it is not a URL that can be requested. */
export function readHttpUrl(text: string): URL | null {
  const url = URL.parse(text)
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.host !== ''
    ? url
    : null
}

function readFields(value: unknown): readonly WarmField[] | string {
  const list = Array.isArray(value) ? value : [value]
  const fields: WarmField[] = []
  for (const text of list) {
    const match = typeof text === 'string' ? /^([!#$%&'*+\-.^_`|~\w]+):[ \t]*([^\r\n\0]*)$/.exec(text) : null
    if (match === null) return `"field": ${JSON.stringify(text)} is not "Name: value"`
    const [, name = '', content = ''] = match
    if (/^(?:host|connection|content-length|transfer-encoding|range)$/i.test(name))
      return `"field": ${name} is not for you to say`
    fields.push({ name, value: content.trim() })
  }
  return fields
}

/** The sum of what several processes have done. */
export function sumWarm(all: readonly WarmProgress[]): WarmProgress {
  const sum = (of: (one: WarmProgress) => number): number => all.reduce((total, one) => total + of(one), 0)
  return {
    isRunning: all.some(({ isRunning }) => isRunning),
    total: sum(({ total }) => total),
    done: sum(({ done }) => done),
    hits: sum(({ hits }) => hits),
    fetched: sum(({ fetched }) => fetched),
    passed: sum(({ passed }) => passed),
    failed: sum(({ failed }) => failed),
    bytes: sum(({ bytes }) => bytes),
    sitemaps: sum(({ sitemaps }) => sitemaps),
    tookMs: Math.max(0, ...all.map(({ tookMs }) => tookMs)),
    failures: all.flatMap(({ failures }) => failures).slice(0, failuresMax),
  }
}

/** How many failures are reported with their URL. */
export const failuresMax = 20
