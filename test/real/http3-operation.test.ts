/** HTTP/3 as it is run: bounds, certificates, workers. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { askAdmin } from '../../src/admin/client.ts'
import { providerPackage } from '../../src/h3/load-provider.ts'
import { needs } from '../programs.ts'
import { authority, makeIdentity } from '../unit/net/tls-identity.ts'
import { curl } from './curl.ts'
import { gtls, h3Edge, lacks, name, startGtls } from './http3-edge.ts'
import { until } from './supervised.ts'

const skip = lacks || needs('gtlsclient')
const mebibyte = 1024 * 1024

interface ClientModule {
  readonly connectAsync: (
    at: string,
    options: object,
  ) => Promise<{
    request(headers: object, options: object): NodeJS.ReadableStream
    close(): Promise<void>
  }>
}

/** The status of an answer to a client that trusts `ca` alone, or everybody; '' when there is none. */
async function statusFor(port: number, ca: string | null, servername: string, path = '/'): Promise<string> {
  const { connectAsync } = createRequire(import.meta.url)(providerPackage) as ClientModule
  const trust = ca === null ? { rejectUnauthorized: false } : { ca }
  const options = { ...trust, servername, connectTimeoutMs: 5000 }
  try {
    const session = await connectAsync(`https://127.0.0.1:${port}`, options)
    const asked = {
      ':method': 'GET',
      ':scheme': 'https',
      ':authority': `${servername}:${port}`,
      ':path': path,
    }
    const stream = session.request(asked, { endStream: true })
    const status = await new Promise<string>((resolve) => {
      stream.on('response', (headers: Record<string, string>) => resolve(String(headers[':status'])))
      for (const event of ['error', 'close']) stream.on(event, () => resolve(''))
    })
    stream.resume()
    await session.close()
    return status
  } catch {
    return ''
  }
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024
}

test('a client that does not read is waited for in little memory', { skip, timeout: 120_000 }, async (t) => {
  const total = 200 * mebibyte
  const piece = Buffer.alloc(64 * 1024, 'p')
  let written = 0
  const { edge } = await h3Edge(t, {}, (_request, response) => {
    const go = (): void => {
      while (written < total) {
        written += piece.length
        if (!response.write(piece)) {
          response.once('drain', go)
          return
        }
      }
      response.end()
    }
    go()
  })
  const folder = mkdtempSync(join(tmpdir(), 'headgate-h3-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const { child, said } = startGtls(edge.port, '/file', '-q', '--timeout', '60s', '--download', folder)
  const received = (): number => statSync(join(folder, 'file'), { throwIfNoEntry: false })?.size ?? 0
  await until('a part is there', () => received() > 4 * mebibyte)
  child.kill('SIGSTOP')
  let before = -1
  await until('the origin is held back', async () => {
    const isHeld = written === before
    before = written
    await sleep(500)
    return isHeld
  })
  assert.ok(written < total, 'it was over before it could be stopped')
  // Windows of the client, the provider's queue, and the kernel's buffers on the origin's side.
  assert.ok(written - received() < 40 * mebibyte, `${written - received()} bytes are under way`)
  assert.ok(residentBytes(edge.pid) < 400 * mebibyte, `${residentBytes(edge.pid)} bytes`)
  child.kill('SIGCONT')
  await said
  assert.equal(received(), total)
})

test(
  'an upload that its origin does not take is refused at the bound',
  { skip, timeout: 120_000 },
  async (t) => {
    const { edge } = await h3Edge(t, {}, (request) => void request.pause())
    const folder = mkdtempSync(join(tmpdir(), 'headgate-h3-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'upload')
    writeFileSync(path, Buffer.alloc(64 * mebibyte, 'u'))
    const before = residentBytes(edge.pid)
    const said = await gtls(edge.port, '/stall', '-m', 'POST', '-d', path)
    assert.match(said, /\[:status: 503\]/)
    await until('the line', () => edge.accessLines().some((line) => line.includes('upload_held')))
    const grown = residentBytes(edge.pid) - before
    assert.ok(grown < 120 * mebibyte, `it grew by ${grown} bytes`)
  },
)

test(
  'another certificate is shown after a reload, on the same port',
  { skip: lacks, timeout: 90_000 },
  async (t) => {
    const { edge, write } = await h3Edge(t)
    const { port } = edge
    assert.equal(await statusFor(port, authority, name), '200')
    assert.equal(await statusFor(port, authority, 'second.example'), '', 'the client verifies')
    write({ tls: { certificates: [await makeIdentity([name, 'second.example'])] }, drainTimeout: '1s' })
    assert.equal((await askAdmin(edge.admin, 'POST', '/reload')).status, 200)
    await until('the new one', async () => (await statusFor(port, authority, 'second.example')) === '200')
  },
)

test('a certificate that comes by itself is used', { skip: lacks, timeout: 90_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-h3-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const sites = { localhost: { respond: { status: 204 } } }
  const { edge } = await h3Edge(t, { tls: { storage: folder }, sites })
  await until('an answer', async () => (await statusFor(edge.port, null, 'localhost')) === '204')
  const at = ['-k', '--resolve', `localhost:${edge.port}:127.0.0.1`]
  const told = await curl(...at, `https://localhost:${edge.port}/`)
  assert.equal(told.fields.get('alt-svc'), `h3=":${edge.port}"; ma=86400`)
})

test('a worker that dies is followed by one that serves UDP', { skip: lacks, timeout: 90_000 }, async (t) => {
  const { edge } = await h3Edge(t, { workers: 2 })
  assert.equal(await statusFor(edge.port, authority, name), '200')
  for (const pid of edge.workerPids()) {
    process.kill(pid, 'SIGKILL')
    await edge.logged(new RegExp(`pid ${pid}\\) died`))
  }
  await until('an answer', async () => (await statusFor(edge.port, authority, name)) === '200')
})

test(
  'hosts that ask clients for certificates are not served',
  { skip: lacks, timeout: 90_000 },
  async (t) => {
    const identity = await makeIdentity([name, 'admin.example'])
    const clientAuth = [{ ca: authority, hosts: ['admin.example'] }]
    const { edge } = await h3Edge(t, { tls: { certificates: [identity], clientAuth } })
    assert.equal(await statusFor(edge.port, authority, name), '200')
    assert.equal(await statusFor(edge.port, authority, 'admin.example'), '421')
  },
)

test('a drain lets a request end, and takes no other', { skip, timeout: 90_000 }, async (t) => {
  let end: (() => void) | null = null
  const { edge } = await h3Edge(t, {}, (_request, response) => {
    response.write('begun ')
    end = () => void response.end('ended')
  })
  const { said } = startGtls(edge.port, '/slow')
  await until('it has begun', () => end !== null)
  edge.child?.kill('SIGTERM')
  await edge.logged(/drain/i)
  ;(end as (() => void) | null)?.()
  assert.match(await said, /ended/)
  assert.equal(await edge.exit, '0')
})
