/** An edge with HTTP/3, and ngtcp2's client. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { loadProvider } from '../../src/h3/load-provider.ts'
import { findProgram } from '../programs.ts'
import { makeIdentity } from '../unit/net/tls-identity.ts'
import { EdgeProcess } from './edge-process.ts'

export const name = 'edge.example'

function lacksProvider(): string | false {
  try {
    loadProvider()
    return false
  } catch (error) {
    return (error as Error).message
  }
}

/** Why tests of HTTP/3 are skipped; false: they are not. */
export const lacks = lacksProvider()

export interface H3Edge {
  readonly edge: EdgeProcess
  readonly cert: string
  /** Digests of bodies that the origin got. */
  readonly got: string[]
  /** The config, with `more` in it. */
  readonly write: (more?: object) => void
}

/** `behave`: what the origin does, instead of telling what it was asked for. */
export async function h3Edge(t: TestContext, more: object = {}, behave?: RequestListener): Promise<H3Edge> {
  const got: string[] = []
  const large = Buffer.alloc(20 * 1024 * 1024, 'abcdefghijklmnopqrstuvwxyz')
  const origin = createHttpServer((request, response) => {
    if (behave !== undefined) return behave(request, response)
    const hash = createHash('sha256')
    request.on('data', (bytes: Buffer) => hash.update(bytes))
    request.on('end', () => {
      got.push(hash.digest('hex'))
      if (request.url === '/large') response.end(large)
      else
        response.setHeader('content-type', 'text/html').end(`<p id="a">${request.method} ${request.url}</p>`)
    })
  })
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    origin.close()
    origin.closeAllConnections()
  })
  const identity = await makeIdentity([name])
  const edge = new EdgeProcess(t)
  const write = (further: object = {}): void =>
    edge.write({
      listeners: [{ host: '127.0.0.1', port: 0, tls: true, http3: true }],
      tls: { certificates: [identity] },
      sites: { '*': `http://127.0.0.1:${(origin.address() as AddressInfo).port}` },
      ...more,
      ...further,
    })
  write()
  await edge.start()
  return { edge, cert: identity.cert, got, write }
}

export interface GtlsRun {
  readonly child: ChildProcess
  /** What it said, when it is over. */
  readonly said: Promise<string>
}

export function startGtls(port: number, path: string, ...more: readonly string[]): GtlsRun {
  return startGtlsFor(name, port, path, '--no-quic-dump', ...more)
}

/** As `startGtls`, for another host than the edge's; what came on its streams is in what it says. */
export function startGtlsFor(host: string, port: number, path: string, ...more: readonly string[]): GtlsRun {
  const args = ['--exit-on-all-streams-close', '--timeout', '25s', ...more]
  const to = ['127.0.0.1', String(port), `https://${host}:${port}${path}`]
  const child = spawn(findProgram('gtlsclient'), [...args, ...to])
  let said = ''
  child.stdout.on('data', (bytes: Buffer) => (said += bytes.toString('latin1')))
  child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString('latin1')))
  return { child, said: new Promise((resolve) => child.once('close', () => resolve(said))) }
}

/** Asks with ngtcp2's client; what it downloads is in the folder. */
export function gtls(port: number, path: string, ...more: readonly string[]): Promise<string> {
  return startGtls(port, path, ...more).said
}
