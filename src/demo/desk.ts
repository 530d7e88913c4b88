/**
 * The desk of the demo: a small server in the demo's own process, itself an origin, that serves the page, tells which
 * origins run, and kills or starts one when the page asks.
 *
 * It listens on the loopback and is reached through Headgate. A request that changes something must be a POST with
 * the field `X-Demo`, which a page of another site cannot send without the browser first asking this server for
 * permission.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { OriginGroup } from './origin-group.ts'
import type { Page } from './page.ts'

/** Keeps proxies and browsers from taking a silent stream of events for dead. */
const keepAliveMs = 15_000

export class Desk {
  /** What `/` gives. */
  page: Page = { html: Buffer.alloc(0), policy: "default-src 'none'" }
  readonly #origins: OriginGroup
  readonly #server: Server
  readonly #listeners = new Set<ServerResponse>()

  constructor(origins: OriginGroup) {
    this.#origins = origins
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy())
    })
    origins.onChange = () => this.#tellAll()
  }

  /** Gives the port. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://desk')
    if (url.pathname === '/') this.#givePage(response)
    else if (url.pathname === '/desk/events') this.#giveEvents(response)
    else if (url.pathname === '/desk/toggle') await this.#toggle(request, response, url)
    else response.writeHead(404, { 'Content-Type': 'text/plain' }).end('not found\n')
  }

  #givePage(response: ServerResponse): void {
    response.writeHead(200, {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Length': this.page.html.length,
      'Content-Security-Policy': this.page.policy,
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-store',
    })
    response.end(this.page.html)
  }

  #giveEvents(response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    response.write(this.#event())
    const timer = setInterval(() => response.write(': still here\n\n'), keepAliveMs)
    this.#listeners.add(response)
    response.once('close', () => {
      clearInterval(timer)
      this.#listeners.delete(response)
    })
  }

  #event(): string {
    return `data: ${JSON.stringify(this.#origins.states())}\n\n`
  }

  #tellAll(): void {
    for (const response of this.#listeners) response.write(this.#event())
  }

  async #toggle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const isAllowed = request.method === 'POST' && request.headers['x-demo'] === '1'
    if (!isAllowed) {
      response.writeHead(403, { 'Content-Type': 'text/plain' }).end('not from here\n')
      return
    }
    const isKnown = await this.#origins.toggle(url.searchParams.get('origin') ?? '')
    response.writeHead(isKnown ? 204 : 404).end()
  }
}
