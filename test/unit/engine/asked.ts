/** Exchanges as they are when a route is looked for: read by the reader of heads, without a socket. */
import { HeadProgress } from '../../../src/h1/head-progress.ts'
import { readRequestHead } from '../../../src/h1/read-head.ts'
import { Exchange, nobody, type Walk } from '../../../src/http/exchange.ts'
import type { Fault } from '../../../src/core/faults.ts'
import { defaultLimits } from '../../../src/http/limits.ts'

export interface Asked {
  readonly x: Exchange
  /** Bodies of answers that were sent whole, as text. */
  readonly answers: string[]
  readonly faults: Fault[]
}

export interface AskOptions {
  readonly method?: string
  readonly host?: string
  readonly client?: string
  readonly scheme?: string
  /** 'Name: value' */
  readonly fields?: readonly string[]
}

export function ask(target: string, options: AskOptions = {}): Asked {
  const {
    method = 'GET',
    host = 'www.example.com',
    client = '192.0.2.1',
    scheme = 'http',
    fields = [],
  } = options
  const x = new Exchange()
  const answers: string[] = []
  const faults: Fault[] = []
  const walk: Walk = {
    child: (child) => child,
    endChild() {},
    resume() {},
    reenter() {},
    answer() {},
    answerWhole: (_x, body) => answers.push(body === null ? '' : body.toString('utf8')),
    fail: (_x, fault) => faults.push(fault),
    inform() {},
    crash() {},
  }
  x.begin({ ...nobody, remoteAddress: client, encrypted: scheme === 'https' }, walk, 0)
  const text = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...fields, '', ''].join('\r\n')
  const bytes = Buffer.from(text, 'latin1')
  const read = readRequestHead(bytes, 0, bytes.length, x.request, new HeadProgress(), defaultLimits)
  if (read !== bytes.length) throw new Error(`the head was not read: ${read}`)
  x.request.scheme = scheme
  x.clientAddress = client
  return { x, answers, faults }
}
