/**
 * FakeCa: an ACME server of a few lines, for what Pebble does not do: limits, renewal information, accounts that are
 * forgotten. It confirms every challenge, or none, and signs what it is asked to.
 */
import { createPublicKey, randomBytes, type KeyObject } from 'node:crypto'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { readDer } from '../../../../src/tls/der.ts'
import { makeKey } from '../../../../src/tls/keys.ts'
import { makeCertificate, pemOfCertificate } from '../../../../src/tls/x509.ts'

interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object | string
}

interface Order {
  readonly names: readonly string[]
  readonly replaces: string
  status: string
  chain: string
}

export class FakeCa {
  url = ''
  readonly orders: Order[] = []
  accounts = 0
  /** The next orders are refused for a limit, with this many seconds of Retry-After; 0: without. */
  limited: number[] = []
  /** The next nonces are refused. */
  badNonces = 0
  /** The next requests are answered 503. */
  broken = 0
  isForgetful = false
  isConfirming = true
  refusesReplaces = false
  lifetimeMs = 86_400_000
  /** Sends requests for accounts and orders there. */
  redirect = ''
  /** Where it takes orders. */
  orderPath = '/order'
  /** What it makes of a chain before it gives it out. */
  forge: (chain: string) => string = (chain) => chain
  /** Names that it signs instead of those of the order; none: those. */
  signs: readonly string[] = []
  window: { start: string; end: string } | null = null
  renewalInfoAsked: string[] = []
  /** Its time, which is real unless the clients' passes by hand. */
  wallMs: () => number = Date.now
  /** What it does to see for itself, before it confirms. */
  look: () => Promise<void> = async () => {}
  #key!: KeyObject
  #server!: http.Server

  static async start(t: TestContext): Promise<FakeCa> {
    const ca = new FakeCa()
    ca.#key = await makeKey('p256')
    ca.#server = http.createServer((request, response) => void ca.#serve(request, response))
    await new Promise<void>((resolve) => ca.#server.listen(0, '127.0.0.1', resolve))
    ca.url = `http://127.0.0.1:${(ca.#server.address() as AddressInfo).port}`
    t.after(() => ca.#server.close())
    t.after(() => ca.#server.closeAllConnections())
    return ca
  }

  get directoryUrl(): string {
    return `${this.url}/directory`
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    let text = ''
    for await (const piece of request) text += String(piece)
    if (request.url?.startsWith('/challenge/') === true) await this.look()
    const answer = this.#answer(request.url ?? '', text)
    response.writeHead(answer.status ?? 200, {
      'replay-nonce': randomBytes(8).toString('hex'),
      'content-type':
        typeof answer.body === 'string' ? 'application/pem-certificate-chain' : 'application/json',
      ...answer.headers,
    })
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? {}))
  }

  #answer(path: string, text: string): Answer {
    if (this.broken > 0) {
      this.broken--
      return { status: 503, body: {} }
    }
    if (path === '/directory') return { body: this.#directory() }
    if (path.startsWith('/ari/')) {
      this.renewalInfoAsked.push(path.slice(5))
      return { headers: { 'retry-after': '21600' }, body: { suggestedWindow: this.window } }
    }
    if (path === '/nonce') return {}
    if (this.badNonces > 0) {
      this.badNonces--
      return problem(400, 'badNonce')
    }
    if (this.redirect !== '') return { status: 301, headers: { location: this.redirect } }
    const jws = JSON.parse(text) as { protected: string; payload: string }
    const header = decoded(jws.protected)
    if (path === '/account') {
      this.accounts++
      return {
        status: 201,
        headers: { location: `${this.url}/account/${this.accounts}` },
        body: { status: 'valid' },
      }
    }
    if (this.isForgetful && header['kid'] === `${this.url}/account/1`)
      return problem(400, 'accountDoesNotExist')
    return this.#act(path, jws.payload === '' ? {} : decoded(jws.payload))
  }

  #directory(): object {
    const { url } = this
    return {
      newNonce: `${url}/nonce`,
      newAccount: `${url}/account`,
      newOrder: url + this.orderPath,
      ...(this.window === null ? {} : { renewalInfo: `${url}/ari` }),
      meta: { profiles: { short: 'six days' } },
    }
  }

  #act(path: string, payload: Record<string, unknown>): Answer {
    if (path === this.orderPath) return this.#newOrder(payload)
    const [, what, id = ''] = path.split('/')
    const order = this.orders[Number(id)]
    if (order === undefined) return { status: 404, body: {} }
    if (what === 'authorization') return { body: this.#authorization(order, id) }
    if (what === 'challenge') {
      order.status = this.isConfirming ? 'ready' : 'invalid'
      return { body: {} }
    }
    if (what === 'finalize') this.#sign(order, payload)
    if (what === 'certificate') return { body: order.chain }
    return { headers: { location: `${this.url}/state/${id}` }, body: this.#state(order, id) }
  }

  #newOrder(payload: Record<string, unknown>): Answer {
    const seconds = this.limited.shift()
    if (seconds !== undefined)
      return {
        ...problem(429, 'rateLimited'),
        ...(seconds > 0 ? { headers: { 'retry-after': String(seconds) } } : {}),
      }
    const replaces = typeof payload['replaces'] === 'string' ? payload['replaces'] : ''
    if (replaces !== '' && this.refusesReplaces) return problem(409, 'alreadyReplaced')
    const identifiers = payload['identifiers'] as { value: string }[]
    const id = String(this.orders.length)
    const order = { names: identifiers.map(({ value }) => value), replaces, status: 'pending', chain: '' }
    this.orders.push(order)
    return { status: 201, headers: { location: `${this.url}/state/${id}` }, body: this.#state(order, id) }
  }

  #state(order: Order, id: string): object {
    return {
      status: order.status,
      authorizations: [`${this.url}/authorization/${id}`],
      finalize: `${this.url}/finalize/${id}`,
      certificate: `${this.url}/certificate/${id}`,
    }
  }

  #authorization(order: Order, id: string): object {
    const status = order.status === 'pending' || order.status === 'invalid' ? order.status : 'valid'
    const url = `${this.url}/challenge/${id}`
    const detail = { type: 'urn:ietf:params:acme:error:connection', detail: 'refused' }
    const error = status === 'invalid' ? detail : undefined
    const token = `token-${id}`
    const challenges = ['http-01', 'tls-alpn-01', 'dns-01'].map((type) => ({ type, url, token, error }))
    return { status, identifier: { type: 'dns', value: order.names[0] }, challenges }
  }

  #sign(order: Order, { csr }: Record<string, unknown>): void {
    const info = readDer(Buffer.from(String(csr), 'base64url')).part(0)
    const key = createPublicKey({ key: info.part(2).whole, format: 'der', type: 'spki' })
    const nowMs = this.wallMs()
    const leaf = makeCertificate({
      commonName: '',
      names: this.signs.length === 0 ? order.names : this.signs,
      key,
      notBeforeMs: nowMs - 1000,
      notAfterMs: nowMs + this.lifetimeMs,
      issuer: { commonName: 'Fake CA', key: this.#key },
    })
    order.chain = this.forge(pemOfCertificate(leaf))
    order.status = 'valid'
  }
}

function problem(status: number, type: string): Answer {
  return { status, body: { type: `urn:ietf:params:acme:error:${type}`, detail: 'as the test wants it' } }
}

function decoded(text: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>
}
