/** OCSP stapling over TLS, with openssl as authority, responder and client. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { it, type TestContext } from 'node:test'
import { needs } from '../programs.ts'
import { OpensslAuthority } from '../unit/tls/ocsp/authority.ts'
import { EdgeProcess } from './edge-process.ts'
import { until } from './supervised.ts'

interface Responder {
  readonly url: string
  authority: OpensslAuthority | null
  isBroken: boolean
  asked: number
}

async function startResponder(t: TestContext): Promise<Responder> {
  const server = http.createServer(async (request, response) => {
    responder.asked++
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece as Buffer)
    if (responder.isBroken || responder.authority === null) {
      response.writeHead(503).end('later')
      return
    }
    response.setHeader('content-type', 'application/ocsp-response')
    response.end(responder.authority.answer(Buffer.concat(pieces)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const responder: Responder = { url, authority: null, isBroken: false, asked: 0 }
  return responder
}

function askedByOpenssl(
  edge: EdgeProcess,
  folder: string,
  version: string,
  ...more: readonly string[]
): Promise<string> {
  const to = [
    '-connect',
    `127.0.0.1:${edge.port}`,
    '-servername',
    'localhost',
    '-CAfile',
    join(folder, 'ca.crt'),
  ]
  return new Promise((resolve) => {
    const child = execFile('openssl', ['s_client', '-status', version, ...to, ...more], (_, stdout, stderr) =>
      resolve(stdout + stderr),
    )
    child.stdin?.end('Q\n')
  })
}

async function start(t: TestContext, responder: Responder, tls: object): Promise<EdgeProcess> {
  const authority = OpensslAuthority.for(t, responder.url)
  responder.authority = authority
  const edge = new EdgeProcess(t)
  writeFileSync(join(edge.folder, 'site.crt'), authority.chain)
  writeFileSync(join(edge.folder, 'site.key'), authority.key)
  writeFileSync(join(edge.folder, 'ca.crt'), authority.authorityPem)
  edge.write({
    listeners: [{ host: '127.0.0.1', port: 0, tls: true }],
    tls: { certificates: [{ cert: 'site.crt', key: 'site.key' }], ...tls },
    sites: { localhost: [{ respond: 'hello' }] },
  })
  await edge.start()
  return edge
}

it(
  'a handshake shows that the authority has not revoked the certificate',
  { skip: needs('openssl') },
  async (t) => {
    const responder = await startResponder(t)
    const edge = await start(t, responder, {})
    for (const version of ['-tls1_3', '-tls1_2']) {
      let text = ''
      await until('an answer is stapled', async () => {
        text = await askedByOpenssl(edge, edge.folder, version)
        return text.includes('OCSP Response Status: successful')
      })
      assert.match(text, /Cert Status: good/)
      assert.match(text, /Verification: OK/)
    }
    assert.equal(responder.asked, 1)
  },
)

it(
  'a responder that does not answer costs nobody a handshake, and is told',
  { skip: needs('openssl') },
  async (t) => {
    const responder = await startResponder(t)
    responder.isBroken = true
    const edge = await start(t, responder, {})
    await edge.logged(/OCSP answer for the certificate of localhost cannot be had.* status 503/)
    const text = await askedByOpenssl(edge, edge.folder, '-tls1_3')
    assert.match(text, /OCSP response: no response sent/)
    assert.match(text, /Verification: OK/)
  },
)

it('nobody is asked where the config says so', { skip: needs('openssl') }, async (t) => {
  const responder = await startResponder(t)
  const edge = await start(t, responder, { ocsp: false })
  assert.match(await askedByOpenssl(edge, edge.folder, '-tls1_3'), /OCSP response: no response sent/)
  assert.equal(responder.asked, 0)
})

it(
  'of two kinds of keys the answer is about the one that is shown',
  { skip: needs('openssl') },
  async (t) => {
    const responders = [await startResponder(t), await startResponder(t)] as const
    const kinds = ['ec', 'rsa'] as const
    const authorities = kinds.map((kind, i) => OpensslAuthority.for(t, responders[i]?.url ?? '', kind))
    const edge = new EdgeProcess(t)
    const roots: string[] = []
    for (const [i, authority] of authorities.entries()) {
      ;(responders[i] as Responder).authority = authority
      writeFileSync(join(edge.folder, `${kinds[i]}.crt`), authority.chain)
      writeFileSync(join(edge.folder, `${kinds[i]}.key`), authority.key)
      roots.push(authority.authorityPem)
    }
    writeFileSync(join(edge.folder, 'ca.crt'), roots.join(''))
    edge.write({
      listeners: [{ host: '127.0.0.1', port: 0, tls: true }],
      tls: { certificates: kinds.map((kind) => ({ cert: `${kind}.crt`, key: `${kind}.key` })) },
      sites: { localhost: [{ respond: 'hello' }] },
    })
    await edge.start()
    // With -status s_client verifies the answer against the certificate that it got.
    for (const [algorithms, type] of [
      ['ECDSA+SHA256:RSA-PSS+SHA256', 'ECDSA'],
      ['RSA-PSS+SHA256', 'RSA-PSS'],
    ] as const) {
      let text = ''
      await until(`an answer about ${type}`, async () => {
        text = await askedByOpenssl(edge, edge.folder, '-tls1_3', '-sigalgs', algorithms)
        return text.includes('OCSP Response Status: successful')
      })
      assert.match(text, new RegExp(`Peer signature type: ${type}`))
      assert.match(text, /Cert Status: good/)
      assert.match(text, /Verification: OK/)
    }
    // The two authorities are told apart by the hash of their names and keys in the answer.
    const hashes = new Set<string>()
    for (const algorithms of ['ECDSA+SHA256', 'RSA-PSS+SHA256']) {
      const text = await askedByOpenssl(edge, edge.folder, '-tls1_3', '-sigalgs', algorithms)
      hashes.add(/Issuer Key Hash: (\w+)/.exec(text)?.[1] ?? '')
    }
    assert.equal(hashes.size, 2)
    // TLS 1.2: OpenSSL chooses, and there is no answer rather than one about the other.
    const text = await askedByOpenssl(edge, edge.folder, '-tls1_2')
    assert.match(text, /OCSP response: no response sent/)
    assert.match(text, /Verification: OK/)
  },
)
