/**
 * Warming: requests a list of URLs as clients would, so that the cache has them before clients come. The requests
 * walk the routes of the plan in force, inside this process: no connection is made, and nothing appears in the access
 * log.
 *
 * Promises: at most `concurrency` requests are under way; each URL is requested once; stopping gives up what is under
 * way; nothing is kept of an answer but the bytes of a sitemap, up to a bound.
 */
import {
  failuresMax,
  readHttpUrl,
  urlsMax,
  type WarmField,
  type WarmOrder,
  type WarmProgress,
} from '../admin/warm-body.ts'
import type { Clock } from '../core/clock.ts'
import { Faults, faultRow, NONE, type Fault } from '../core/faults.ts'
import { HeadProgress } from '../h1/head-progress.ts'
import { readRequestHead } from '../h1/read-head.ts'
import { CacheResult } from '../http/cache-result.ts'
import { nobody, type Downstream, type Exchange, type Serve } from '../http/exchange.ts'
import type { ConnectionLimits } from '../http/limits.ts'
import { BODY_NONE } from '../http/message.ts'
import type { Transport } from '../net/transport.ts'
import { readSitemap, sitemapBytesMax } from './sitemap.ts'

/** How many sitemaps one run reads, including those named by others, so that no list of lists goes on for ever. */
const sitemapsMax = 1000

interface Wanted {
  readonly url: string
  readonly isSitemap: boolean
}

export interface WarmingOptions {
  readonly serve: Serve
  readonly clock: Clock
  /** The limits of the plan in force, for the length of heads. */
  readonly limits: () => ConnectionLimits
}

export class Warming {
  readonly #options: WarmingOptions
  readonly #known: Set<string> = new Set()
  readonly #waiting: Wanted[] = []
  readonly #running: Set<WarmStream> = new Set()
  #next = 0
  #concurrency = 1
  #fields: readonly WarmField[] = []
  #isReading = 0
  #isPumping = false
  #startedMs = 0
  #endedMs = 0
  #counts = newCounts()

  constructor(options: WarmingOptions) {
    this.#options = options
  }

  act(order: WarmOrder): WarmProgress {
    if (order.action === 'start') this.#start(order)
    else if (order.action === 'stop') this.stop()
    return this.progress()
  }

  get #isRunning(): boolean {
    return this.#running.size > 0 || this.#isReading > 0 || this.#next < this.#waiting.length
  }

  progress(): WarmProgress {
    const endMs = this.#isRunning ? this.#options.clock.nowMs() : this.#endedMs
    const tookMs = Math.round(endMs - this.#startedMs)
    return { ...this.#counts, failures: [...this.#counts.failures], isRunning: this.#isRunning, tookMs }
  }

  #start(order: WarmOrder & { readonly action: 'start' }): void {
    if (!this.#isRunning) {
      this.#counts = newCounts()
      this.#known.clear()
      this.#waiting.length = this.#next = 0
      this.#startedMs = this.#endedMs = this.#options.clock.nowMs()
    }
    this.#concurrency = order.concurrency
    this.#fields = order.fields
    for (const url of order.sitemaps) this.#want(url, true)
    for (const url of order.urls) this.#want(url, false)
    this.#pump()
  }

  /** Cancels what is under way, and forgets what waits. */
  stop(): void {
    this.#counts.total = this.#counts.done + this.#running.size
    this.#waiting.length = this.#next = 0
    for (const stream of this.#running) stream.stop()
  }

  #want(url: string, isSitemap: boolean): void {
    if (this.#known.has(url)) return
    const isTooMany = isSitemap ? this.#counts.sitemaps >= sitemapsMax : this.#counts.total >= urlsMax
    if (isTooMany) return this.#fail(url, isSitemap ? 'too many sitemaps' : 'too many URLs')
    this.#known.add(url)
    if (isSitemap) this.#counts.sitemaps++
    else this.#counts.total++
    this.#waiting.push({ url, isSitemap })
  }

  /**
   * Starts requests. One that is answered at once returns within the same call, so this is a loop rather than a
   * recursion.
   */
  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    while (this.#running.size < this.#concurrency && this.#next < this.#waiting.length) {
      const wanted = this.#waiting[this.#next++] as Wanted
      this.#ask(wanted)
    }
    this.#isPumping = false
    if (!this.#isRunning) this.#endedMs = this.#options.clock.nowMs()
  }

  #ask({ url, isSitemap }: Wanted): void {
    const { serve, limits } = this.#options
    const stream = new WarmStream(serve, isSitemap, (done) => this.#onDone(url, done))
    this.#running.add(stream)
    stream.ask(url, this.#fields, limits())
  }

  #onDone(url: string, stream: WarmStream): void {
    this.#running.delete(stream)
    const counts = this.#counts
    counts.bytes += stream.bytes
    if (stream.isSitemap) this.#onSitemap(url, stream)
    else {
      counts.done++
      const { reason, result } = stream
      if (reason !== '') this.#fail(url, reason)
      else if (result === CacheResult.HIT || result === CacheResult.STALE) counts.hits++
      else if (stream.isKept) counts.fetched++
      else counts.passed++
    }
    this.#pump()
  }

  #fail(url: string, reason: string): void {
    this.#counts.failed++
    if (this.#counts.failures.length < failuresMax) this.#counts.failures.push({ url, reason })
  }

  #onSitemap(url: string, stream: WarmStream): void {
    if (stream.reason !== '') return this.#fail(url, stream.reason)
    this.#isReading++
    const told = readSitemap(stream.text()).then(
      (sitemap) => {
        for (const each of sitemap.urls) this.#want(each, sitemap.isIndex)
      },
      (error: unknown) => this.#fail(url, error instanceof Error ? error.message : 'cannot be read'),
    )
    void told.then(() => {
      this.#isReading--
      this.#pump()
    })
  }
}

function newCounts() {
  const failures: { url: string; reason: string }[] = []
  return { total: 0, done: 0, hits: 0, fetched: 0, passed: 0, failed: 0, bytes: 0, sitemaps: 0, failures }
}

/** The client's side of one such request, which takes everything as fast as it comes. */
class WarmStream implements Downstream {
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort = 0
  readonly localPort = 0
  encrypted = false
  readonly isSitemap: boolean
  bytes = 0
  result: CacheResult = CacheResult.NONE
  /** Why the request failed; '' when it did not. */
  reason = ''
  /** Is the answer in the cache now? */
  isKept = false
  readonly #serve: Serve
  readonly #onDone: (stream: WarmStream) => void
  readonly #pieces: Buffer[] = []
  #x: Exchange | null = null

  constructor(serve: Serve, isSitemap: boolean, onDone: (stream: WarmStream) => void) {
    this.#serve = serve
    this.isSitemap = isSitemap
    this.#onDone = onDone
  }

  text(): Buffer {
    return Buffer.concat(this.#pieces)
  }

  ask(text: string, fields: readonly WarmField[], limits: ConnectionLimits): void {
    const url = readHttpUrl(text)
    if (url === null) return this.#finish('not a URL with http:// or https://')
    this.encrypted = url.protocol === 'https:'
    const x = this.#serve.begin(this)
    this.#x = x
    // Counted for the server that is asked, and told of to nobody as a client's.
    x.isChild = true
    const lines = [`GET ${url.pathname}${url.search} HTTP/1.1`, `Host: ${url.host}`]
    for (const { name, value } of this.isSitemap ? [] : fields) lines.push(`${name}: ${value}`)
    const bytes = Buffer.from(lines.join('\r\n') + '\r\n\r\n')
    const read = readRequestHead(bytes, 0, bytes.length, x.request, new HeadProgress(), limits)
    if (read <= 0) return this.#finish(read === 0 ? 'not a request' : faultRow(-read).sentence)
    x.body.length = BODY_NONE
    this.#serve.serve(x)
  }

  stop(): void {
    this.#abandon('stopped')
  }

  #abandon(reason: string): void {
    if (this.#x !== null) this.#serve.abandon(this.#x, Faults.CLIENT_GONE)
    this.#finish(reason)
  }

  #finish(reason: string): void {
    const x = this.#x
    this.#x = null
    this.reason = reason
    if (x !== null) {
      this.result = x.cacheResult
      this.#serve.finish(x)
    }
    this.#onDone(this)
  }

  // As a client's stream

  sendHead(x: Exchange): void {
    this.#look(x)
    if (x.response.bodyLength === BODY_NONE) this.end()
  }

  sendWhole(x: Exchange, body: Buffer | null): void {
    this.#look(x)
    if (body !== null) this.write(body, 0, body.length)
    this.end()
  }

  #look({ response, cacheResult }: Exchange): void {
    const { status, fields } = response
    if (status >= 400 || (this.isSitemap && status !== 200)) this.reason = `status ${status}`
    const told = fields.combinedByName('cache-status') ?? ''
    this.isKept = / stored\b/.test(told) || cacheResult === CacheResult.REVALIDATED
  }

  write(buffer: Buffer, start: number, end: number): boolean {
    this.bytes += end - start
    if (!this.isSitemap) return true
    if (this.bytes > sitemapBytesMax) this.reason = 'too large for a sitemap'
    else this.#pieces.push(Buffer.from(buffer.subarray(start, end)))
    return true
  }

  end(): void {
    if (this.#x !== null) this.#finish(this.reason)
  }

  abort(fault: Fault): void {
    if (this.#x !== null) this.#finish(fault === NONE ? 'cut' : faultRow(fault).sentence)
  }

  // Never asked for.

  sendInformational(): void {}

  upgrade(): Transport | null {
    return null
  }

  pushKept(): void {
    nobody.pushKept()
  }

  refuseReuse(): void {}
}
