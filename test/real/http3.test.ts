/** Real clients of HTTP/3: ngtcp2's and Chromium. Skipped by name where the package of QUIC or a client is not installed. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { chromiumArguments, findProgram, needs } from '../programs.ts'
import { curl } from './curl.ts'
import { gtls, h3Edge, lacks, name } from './http3-edge.ts'
import { until } from './supervised.ts'

const skip = lacks || needs('gtlsclient')

for (const workers of [1, 2]) {
  test(
    `ngtcp2's client gets an answer over HTTP/3 (workers: ${workers})`,
    { skip, timeout: 90_000 },
    async (t) => {
      const { edge } = await h3Edge(t, { workers })
      const said = await gtls(edge.port, '/a')
      assert.match(said, /\[:status: 200\]/)
      assert.match(said, /\[content-type: text\/html\]/)
      await until('the line', () => edge.accessLines().some((line) => line.includes('"GET /a HTTP/3.0" 200')))
      // Clients over TCP hear of it, for the host that the certificate covers.
      const at = ['-k', '--http1.1', '--resolve', `${name}:${edge.port}:127.0.0.1`]
      const told = await curl(...at, `https://${name}:${edge.port}/`)
      assert.equal(told.fields.get('alt-svc'), `h3=":${edge.port}"; ma=86400`)
      const other = await curl('-k', '--http1.1', `https://127.0.0.1:${edge.port}/`)
      assert.equal(other.fields.get('alt-svc'), undefined)
    },
  )
}

test('20 MiB down and 10 MiB up arrive whole over HTTP/3', { skip, timeout: 120_000 }, async (t) => {
  const { edge, got } = await h3Edge(t)
  const folder = mkdtempSync(join(tmpdir(), 'headgate-h3-'))
  t.after(() => rmSync(folder, { recursive: true }))
  await gtls(edge.port, '/large', '-q', '--download', folder)
  const large = readFileSync(join(folder, 'large'))
  assert.equal(large.length, 20 * 1024 * 1024)
  assert.ok(large.equals(Buffer.alloc(large.length, 'abcdefghijklmnopqrstuvwxyz')))
  const upload = Buffer.alloc(10 * 1024 * 1024, '0123456789')
  writeFileSync(join(folder, 'upload'), upload)
  got.length = 0
  const said = await gtls(edge.port, '/up', '-m', 'POST', '-d', join(folder, 'upload'))
  assert.match(said, /\[:status: 200\]/)
  assert.deepEqual(got, [createHash('sha256').update(upload).digest('hex')])
})

test(
  'Chromium loads a page over HTTP/3',
  { skip: lacks || needs('chromium'), timeout: 120_000 },
  async (t) => {
    const { edge, cert } = await h3Edge(t)
    const spki = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' })
    const profile = mkdtempSync(join(tmpdir(), 'headgate-chromium-'))
    t.after(() => rmSync(profile, { recursive: true, force: true, maxRetries: 5 }))
    const at = `${name}:${edge.port}`
    const args = [
      ...chromiumArguments.filter((argument) => argument !== '--disable-quic'),
      '--enable-quic',
      `--origin-to-force-quic-on=${at}`,
      `--host-resolver-rules=MAP ${name} 127.0.0.1`,
      `--ignore-certificate-errors-spki-list=${createHash('sha256').update(spki).digest('base64')}`,
      `--user-data-dir=${profile}`,
      '--dump-dom',
      `https://${at}/page`,
    ]
    const child = spawn(findProgram('chromium'), args, {
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 90_000,
    })
    let dom = ''
    child.stdout.on('data', (bytes: Buffer) => (dom += bytes.toString()))
    await new Promise((resolve) => child.once('close', resolve))
    assert.match(dom, /<p id="a">GET \/page<\/p>/)
    await until('the line', () =>
      edge.accessLines().some((line) => line.includes('"GET /page HTTP/3.0" 200')),
    )
  },
)

test('HTTP/3 without TLS is told when the config is checked', () => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-h3-'))
  try {
    const path = join(folder, 'headgate.yaml')
    writeFileSync(path, "listeners: [{ port: 0, http3: true }]\nsites: { '*': { respond: 204 } }\n")
    const program = join(import.meta.dirname, '../../bin/headgate.js')
    const { status, stderr } = spawnSync(process.execPath, [program, 'check', path], { encoding: 'utf8' })
    assert.equal(status, 1)
    assert.match(stderr, /listeners\[0\]\.http3: HTTP\/3 needs "tls"/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
