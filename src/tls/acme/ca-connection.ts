/**
 * Requests to a CA over HTTPS: one at a time per call, with a bound on the time and on the length of the answer. It
 * uses node:https rather than fetch, since fetch takes no roots of its own, and a private CA needs them.
 */
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import { rootCertificates } from 'node:tls'
import { nodeHttp } from '../../net/node-http.ts'
import { readBytes } from '../answer-bytes.ts'
import { AcmeError } from './problem.ts'

/** A CA answers in a second or two; one that has not answered in this time counts as unreachable. */
export const answerMsMax = 30_000
/** Directories, orders and chains have a few KiB. */
export const answerBytesMax: number = 1024 * 1024

export interface CaAnswer {
  readonly status: number
  /** Names lower case. */
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

export interface CaConnectionOptions {
  /** PEM certificates that are trusted besides the usual ones, for a CA of your own. */
  readonly roots?: string
  readonly userAgent?: string
}

export class CaConnection {
  readonly #agent: Agent
  readonly #userAgent: string

  constructor(options: CaConnectionOptions = {}) {
    const { roots } = options
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: 8,
      timeout: answerMsMax,
      ...(roots === undefined ? {} : { ca: [...rootCertificates, roots] }),
    })
    this.#userAgent = options.userAgent ?? 'headgate'
  }

  /** Rejects with an AcmeError, kind 'unreachable', when there is no answer. */
  async send(method: string, url: string, body = '', signal?: AbortSignal): Promise<CaAnswer> {
    const headers: OutgoingHttpHeaders = { 'user-agent': this.#userAgent }
    if (body !== '') {
      headers['content-type'] = 'application/jose+json'
      headers['content-length'] = Buffer.byteLength(body)
    }
    const limit = AbortSignal.timeout(answerMsMax)
    const options: RequestOptions = {
      method,
      headers,
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    }
    try {
      return await this.#exchange(url, options, body)
    } catch (error) {
      if (error instanceof AcmeError || signal?.aborted === true) throw error
      throw new AcmeError('unreachable', `${hostOf(url)} does not answer: ${reasonOf(error, limit)}`)
    }
  }

  #exchange(url: string, options: RequestOptions, body: string): Promise<CaAnswer> {
    return new Promise((resolve, reject) => {
      const isPlain = url.startsWith('http:')
      const onAnswer = (answer: IncomingMessage): void => void readAnswer(answer).then(resolve, reject)
      const request = isPlain
        ? nodeHttp.request(url, options, onAnswer)
        : httpsRequest(url, { ...options, agent: this.#agent }, onAnswer)
      request.on('error', reject)
      request.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

async function readAnswer(answer: IncomingMessage): Promise<CaAnswer> {
  const { statusCode: status = 0, headers } = answer
  return { status, headers, text: (await readBytes(answer, answerBytesMax)).toString() }
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url
}

function reasonOf(error: unknown, limit: AbortSignal): string {
  if (limit.aborted) return `nothing came in ${answerMsMax / 1000} s`
  const { code = '', message } = error as NodeJS.ErrnoException
  if (/^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/.test(code))
    return `its certificate is of an authority that is not trusted (${code}); tls.acme.caFile names one that is`
  return message || code
}

/** Retry-After (RFC 9110 §10.2.3) in milliseconds from `nowMs`; 0 when there is none that can be read. */
export function retryAfterMs(value: string | undefined, nowMs: number): number {
  if (value === undefined) return 0
  const text = value.trim()
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  const dateMs = Date.parse(text)
  return Number.isNaN(dateMs) ? 0 : Math.max(0, dateMs - nowMs)
}
