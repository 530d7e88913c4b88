/**
 * h2spec (https://github.com/summerwind/h2spec), where it is on the PATH or HEADGATE_H2SPEC names it; it is not in Debian. Its 146
 * cases against each kind of listener that speaks HTTP/2, answers of an origin behind it.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { createServer, type HeadgateServer } from '../../src/server.ts'
import { findProgram, needs } from '../programs.ts'
import { makeIdentity } from '../unit/net/tls-identity.ts'

const named = process.env['HEADGATE_H2SPEC'] ?? ''
const program = named === '' ? findProgram('h2spec') : named

function h2spec(args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    // It ends with an error when a case fails: what it says is what counts.
    execFile(program, args, { maxBuffer: 16 * 1024 * 1024 }, (_error, stdout, stderr) =>
      resolve(stdout + stderr),
    )
  })
}

describe('h2spec has nothing to object to', { skip: program === '' && needs('h2spec') }, () => {
  const origin = http.createServer((request, response) => {
    request.resume()
    response.end('hello, h2spec')
  })
  const edges: HeadgateServer[] = []

  before(async () => {
    origin.listen(0, '127.0.0.1')
    await once(origin, 'listening')
    const tls = { certificates: [await makeIdentity(['a.example'])] }
    for (const more of [{}, { http2: 'only' as const }, { tls }]) {
      const edge = await createServer({
        listeners: [{ host: '127.0.0.1', port: 0, ...more }],
        log: { access: false, level: 'error' },
        sites: { '*': [{ origin: `http://127.0.0.1:${(origin.address() as AddressInfo).port}` }] },
      })
      await edge.listen()
      edges.push(edge)
    }
  })

  after(async () => {
    for (const edge of edges) await edge.close({ drainMs: 0 })
    origin.closeAllConnections()
    origin.close()
  })

  for (const [i, what] of ['beside HTTP/1', 'alone', 'over TLS'].entries())
    test(what, async () => {
      const port = String(edges[i]?.addresses[0]?.port)
      const said = await h2spec(['-h', '127.0.0.1', '-p', port, ...(i === 2 ? ['-t', '-k'] : [])])
      assert.match(said, /146 tests, 146 passed, 0 skipped, 0 failed/, said.slice(-2000))
    })
})
