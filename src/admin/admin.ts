/**
 * The admin listener: health, metrics, status, and the few things that an operator does to a running server. It is
 * not hot and uses node:http.
 *
 * Promises: it listens only on a unix socket of mode 0660 or a loopback address; what changes something is a POST
 * (GET is 405); no web page of another site gets through (guard.ts); nothing that a handler does or throws ends the
 * process.
 */
import type * as http from 'node:http'
import { chmodSync } from 'node:fs'
import { toldOf, type PurgeTotal } from '../cache/purge/purge-total.ts'
import type { PurgeRequest } from '../cache/store/store.ts'
import type { MetricsSnapshot } from '../engine/metrics.ts'
import type { CertificateReport } from '../tls/acme/certificate-status.ts'
import { ListenError } from '../net/listen-error.ts'
import { nodeHttp } from '../net/node-http.ts'
import { removeStaleSocket } from '../net/unix-path.ts'
import { readAdminAddress, type AdminAddress } from './address.ts'
import { refusalOf } from './guard.ts'
import { readRequestToExplain, type RequestToExplain } from './explain-body.ts'
import { readNames } from './names-body.ts'
import { readPurgeOrder, readReportId } from './purge-body.ts'
import { readWarmOrder, sumWarm, type WarmOrder, type WarmProgress } from './warm-body.ts'
import { metricsText, openMetricsType, prometheusType, wantsOpenMetrics } from './metrics-text.ts'

export interface ReloadReport {
  readonly isTaken: boolean
  /** The hash of the config that is in force now. */
  readonly hash: string
  /** Why the new config was refused; '' when it was accepted. */
  readonly reason: string
}

/** What one process says about a request (server/explanation.ts). */
export interface ExplainedBy {
  readonly pid: number
  readonly explanation: object
}

/** What the listener speaks for: the runner of one server or of many workers. */
export interface AdminTarget {
  health(): 'ok' | 'starting' | 'draining'
  metrics(): Promise<MetricsSnapshot>
  status(): Promise<object>
  /** Never rejects: a refused config is a report. */
  reload(): Promise<ReloadReport>
  reopenLogs(): Promise<void>
  explain(request: RequestToExplain): Promise<readonly ExplainedBy[]>
  /** Purges the cache of every worker; resolves when all have acknowledged it or the time for that is over. */
  purge(requests: readonly PurgeRequest[]): Promise<PurgeTotal>
  /** The count of an earlier purge so far; null when nobody remembers that purge. */
  purgeTotal(id: string): Promise<PurgeTotal | null>
  certificates(): Promise<CertificateReport>
  /**
   * Renews the certificates of these names now, or of all when none is given; resolves to the names that are
   * renewed.
   */
  renewCertificates(names: readonly string[]): Promise<readonly string[]>
  /** Makes every worker fetch what is named into its cache, or tells how far each one is. */
  warm(order: WarmOrder): Promise<readonly WarmProgress[]>
  /** Like SIGTERM: no new requests are taken, those under way are finished. Returns at once. */
  drain(): void
  /** Like a second SIGTERM. Returns at once. */
  stop(): void
}

/** Enough for a scraper, a dashboard and a few people. */
const connectionsMax = 64
const headMs = 5000
const requestMs = 10_000
/** The paths whose requests have a body, and how long it may be: a list of URLs to warm is long. */
const bodyBytesMax: ReadonlyMap<string, number> = new Map([
  ['/purge', 256 * 1024],
  ['/purge/report', 4096],
  ['/explain', 256 * 1024],
  ['/certificates/renew', 256 * 1024],
  ['/warm', 32 * 1024 * 1024],
])
const idleBodyBytesMax = 4096
const socketMode = 0o660

interface Answer {
  readonly status: number
  readonly type: string
  readonly text: string
}

const json = (status: number, value: unknown): Answer => ({
  status,
  type: 'application/json',
  text: JSON.stringify(value) + '\n',
})

export class AdminServer {
  readonly #target: AdminTarget
  readonly #server: http.Server
  #address: AdminAddress = { path: '', host: '', port: 0 }

  constructor(target: AdminTarget) {
    this.#target = target
    this.#server = nodeHttp.createServer(
      {
        headersTimeout: headMs,
        requestTimeout: requestMs,
        maxHeaderSize: 16 * 1024,
        connectionsCheckingInterval: 2000,
      },
      (request, response) => void this.#handle(request, response),
    )
    this.#server.maxConnections = connectionsMax
  }

  /** Starts listening. Rejects with a sentence when the address is not allowed or in use. */
  async listen(listen: string): Promise<void> {
    this.#address = readAdminAddress(listen)
    const { path } = this.#address
    const fail = (code: string): Error => {
      const error = new ListenError(code, this.#address)
      return new Error('admin: ' + error.message, { cause: error })
    }
    const obstacle = path === '' ? '' : await removeStaleSocket(path)
    if (obstacle !== '') throw fail(obstacle)
    await new Promise<void>((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => reject(fail(error.code ?? error.message))
      this.#server.once('error', onError)
      this.#server.once('listening', () => {
        this.#server.off('error', onError)
        resolve()
      })
      this.#listenNow()
    })
    if (path !== '') chmodSync(path, socketMode)
  }

  #listenNow(): void {
    const { path, host, port } = this.#address
    if (path === '') {
      this.#server.listen({ host, port })
      return
    }
    // The socket is made inside listen(): its mode must be right from the first moment.
    const mask = process.umask(0o777 & ~socketMode)
    try {
      this.#server.listen({ path })
    } finally {
      process.umask(mask)
    }
  }

  /** The port, where it was given as 0. */
  get port(): number {
    const address = this.#server.address()
    return address !== null && typeof address === 'object' ? address.port : 0
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  async #handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    response.on('error', () => {})
    let answer: Answer
    try {
      answer = await this.#answer(request, response)
    } catch (error) {
      answer = json(500, { error: error instanceof Error ? error.message : String(error) })
    }
    response.writeHead(answer.status, {
      'content-type': answer.type,
      'content-length': Buffer.byteLength(answer.text),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
    response.end(answer.text)
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<Answer> {
    const refusal = refusalOf(request.headers, this.#address.path !== '')
    const path = (request.url ?? '').split('?', 1)[0] as string
    const hasBody = bodyBytesMax.has(path) && refusal === ''
    if (!hasBody) request.resume()
    if (refusal !== '') return json(403, { error: refusal })
    const bytesMax = (hasBody ? bodyBytesMax.get(path) : undefined) ?? idleBodyBytesMax
    if (Number(request.headers['content-length'] ?? 0) > bytesMax) return tooLarge(response, bytesMax)
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '')
    const allowed = methodOf(path)
    if (allowed === '') return json(404, { error: 'there is nothing here', paths: [...paths.keys()] })
    if (method !== allowed) {
      request.resume()
      response.setHeader('allow', allowed === 'GET' ? 'GET, HEAD' : allowed)
      return json(405, { error: `this wants ${allowed}` })
    }
    if (!hasBody) return this.#act(path, request.headers.accept ?? '')
    const body = await readBody(request, bytesMax)
    if (body === null) return tooLarge(response, bytesMax)
    if (path === '/warm') return this.#warm(readWarmOrder(body))
    if (path === '/purge') return this.#purge(body)
    if (path === '/purge/report') return this.#purgeReport(body)
    return path === '/explain' ? this.#explain(body) : this.#renew(body)
  }

  async #warm(order: WarmOrder | string): Promise<Answer> {
    if (typeof order === 'string') return json(400, { error: order })
    return json(200, sumWarm(await this.#target.warm(order)))
  }

  async #explain(text: string): Promise<Answer> {
    const request = readRequestToExplain(text)
    if (typeof request === 'string') return json(400, { error: request })
    return json(200, { processes: await this.#target.explain(request) })
  }

  async #purge(text: string): Promise<Answer> {
    const order = readPurgeOrder(text)
    if (typeof order === 'string') return json(400, { error: order })
    const total = await this.#target.purge(order.requests)
    return json(total.missing === 0 ? 200 : 504, {
      ...toldOf(total),
      isSoft: order.isSoft,
      isDry: order.isDry,
    })
  }

  async #purgeReport(text: string): Promise<Answer> {
    const id = readReportId(text)
    if (id === '') return json(400, { error: '"id" is expected, as the answer to the purge had it' })
    const total = await this.#target.purgeTotal(id)
    if (total === null) return json(404, { error: 'no purge of this id is remembered' })
    return json(200, toldOf(total))
  }

  async #renew(text: string): Promise<Answer> {
    const names = readNames(text)
    if (typeof names === 'string') return json(400, { error: names })
    return json(200, { renewing: await this.#target.renewCertificates(names) })
  }

  async #act(path: string, accept: string): Promise<Answer> {
    const target = this.#target
    switch (path) {
      case '/healthz': {
        const health = target.health()
        return { status: health === 'ok' ? 200 : 503, type: 'text/plain; charset=utf-8', text: health + '\n' }
      }
      case '/metrics': {
        const isOpen = wantsOpenMetrics(accept)
        const text = metricsText(await target.metrics(), isOpen)
        return { status: 200, type: isOpen ? openMetricsType : prometheusType, text }
      }
      case '/status':
        return json(200, await target.status())
      case '/certificates':
        return json(200, await target.certificates())
      case '/reload': {
        const report = await target.reload()
        return json(report.isTaken ? 200 : 422, report)
      }
      case '/warm/progress':
        return this.#warm({ action: 'progress' })
      case '/warm/stop':
        return this.#warm({ action: 'stop' })
      case '/reopen-logs':
        await target.reopenLogs()
        return json(200, { isDone: true })
      case '/drain':
        target.drain()
        return json(202, { isDraining: true })
      default:
        target.stop()
        return json(202, { isStopping: true })
    }
  }
}

const paths: ReadonlyMap<string, 'GET' | 'POST'> = new Map([
  ['/healthz', 'GET'],
  ['/metrics', 'GET'],
  ['/status', 'GET'],
  ['/reload', 'POST'],
  ['/reopen-logs', 'POST'],
  ['/purge', 'POST'],
  ['/purge/report', 'POST'],
  ['/explain', 'POST'],
  ['/certificates', 'GET'],
  ['/certificates/renew', 'POST'],
  ['/warm', 'POST'],
  ['/warm/progress', 'GET'],
  ['/warm/stop', 'POST'],
  ['/drain', 'POST'],
  ['/stop', 'POST'],
])

function tooLarge(response: http.ServerResponse, bytesMax: number): Answer {
  response.setHeader('connection', 'close')
  return json(413, { error: `at most ${bytesMax} bytes are read` })
}

/** null: it is longer than `bytesMax`, or did not arrive whole. */
async function readBody(request: http.IncomingMessage, bytesMax: number): Promise<string | null> {
  const pieces: Buffer[] = []
  let length = 0
  try {
    for await (const piece of request) {
      length += (piece as Buffer).length
      if (length > bytesMax) return null
      pieces.push(piece as Buffer)
    }
  } catch {
    return null
  }
  return Buffer.concat(pieces).toString()
}

function methodOf(path: string): string {
  return paths.get(path) ?? ''
}
