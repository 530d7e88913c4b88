/** Certificates and keys that do not fit: what is said, and where. */
import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readConfig } from '../../../src/config/load.ts'
import { pathText } from '../../../src/config/problem.ts'
import { TlsCompiler } from '../../../src/config/tls.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { authority, makeIdentity, pemOf } from '../net/tls-identity.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-tls-files-'))
after(() => rmSync(folder, { recursive: true }))
const own = await makeIdentity(['www.example.com'])
const other = await makeIdentity(['www.example.com'])

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return name
}

/** 'severity path: message' for each problem of a config with this one certificate. */
function problemsOf(pair: { cert: string; key: string }, more: object = {}): string {
  const { problems } = readConfig(
    {
      listeners: [{ port: 443, tls: true }],
      tls: { certificates: [pair], ...more },
      sites: { 'www.example.com': { respond: { status: 200 } } },
    },
    folder,
  )
  return problems.map(({ severity, path, message }) => `${severity} ${pathText(path)}: ${message}`).join('\n')
}

test('a certificate with its key is right, also with its chain', () => {
  assert.equal(problemsOf(own), '')
  assert.equal(problemsOf({ ...own, cert: own.cert + authority }), '')
})

test('a key of another certificate is told as such, at the key', () => {
  const found = problemsOf({ cert: own.cert, key: other.key })
  assert.match(found, /^error tls\.certificates\[0\]\.key: the key does not belong to the certificate/)
})

test('cert and key in each other’s place are noticed', () => {
  const found = problemsOf({ cert: file('a.pem', own.key), key: file('b.pem', own.cert) })
  assert.match(
    found,
    /^error tls\.certificates\[0\]\.cert: there is no certificate in it; are "cert" and "key" swapped\?/,
  )
})

test('a chain in the wrong order, or of another authority, is told with what stands where', async () => {
  const wrongOrder = problemsOf({ ...own, cert: authority + own.cert })
  assert.match(wrongOrder, /^error tls\.certificates\[0\]\.cert: the chain begins with an authority/)
  const alone = await makeIdentity(['www.example.com'], { isSelfSigned: true })
  const wrongIssuer = problemsOf({ ...own, cert: own.cert + alone.cert })
  assert.match(
    wrongIssuer,
    /^error tls\.certificates\[0\]\.cert: certificate 2 of the chain did not issue certificate 1/,
  )
})

test('a file that is not there, or holds something else, is named', () => {
  assert.match(problemsOf({ cert: 'gone.pem', key: own.key }), /gone\.pem does not exist/)
  const text = file('text.pem', 'not this')
  assert.match(problemsOf({ cert: text, key: own.key }), /text\.pem is not PEM/)
  assert.match(problemsOf({ cert: own.cert, key: text }), /^error [^\n]*text\.pem is not PEM[^\n]*$/)
  const empty = file('empty.pem', '\n')
  assert.match(problemsOf({ cert: empty, key: own.key }), /^error [^\n]*empty\.pem is empty$/)
  const damaged = own.cert.replace(/\n[A-Za-z0-9+/]{64}\n/, '\nAAAA\n')
  assert.match(
    problemsOf({ cert: damaged, key: own.key }),
    /^error tls\.certificates\[0\]\.cert: the certificate cannot be read/,
  )
})

test('an encrypted key is told with what decrypts it', () => {
  const cipher = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' } as const
  const locked = createPrivateKey(own.key).export(cipher)
  assert.match(problemsOf({ cert: own.cert, key: locked }), /it is encrypted; decrypt it with `openssl pkey`/)
})

test('a certificate that has expired, or is about to, is a warning', async () => {
  const expired = await makeIdentity(['www.example.com'], { daysLeft: -2 })
  assert.match(problemsOf(expired), /^warning tls\.certificates\[0\]\.cert: the certificate has expired on /)
  const soon = await makeIdentity(['www.example.com'], { daysLeft: 3 })
  assert.match(problemsOf(soon), /^warning tls\.certificates\[0\]\.cert: the certificate expires on /)
})

test('an authority of clients that is none is told at its place', () => {
  const found = problemsOf(own, { clientAuth: { ca: file('c.pem', own.key) } })
  assert.match(found, /tls\.clientAuth\[0\]\.ca: there is no certificate in it/)
})

/** Is a certificate chosen by name during the handshake? */
function isChosen(certificates: { cert: string; key: string }[], more: object = {}): boolean {
  const config = {
    listeners: [{ port: 443, tls: true }],
    tls: { certificates, ...more },
    sites: { 'www.example.com': { respond: { status: 200 } } },
  }
  const { document, problems } = readConfig(config, folder)
  assert.ok(document !== null, problems.map(({ message }) => message).join())
  const sources = [{ find: () => null }]
  const { securities } = new TlsCompiler(document, folder, systemClock).plan({ sources, tickets: null })
  return [...securities.values()].some(({ isSameForAll }) => isSameForAll !== true)
}

test('a certificate is chosen by name only where there are several, or others may come by themselves', async () => {
  assert.equal(isChosen([own]), false)
  assert.equal(isChosen([own, await makeIdentity(['www.example.org'])]), true)
  assert.equal(isChosen([own], { acme: { email: 'a@example.com' } }), true)
})

test('the file of a key for updates of the DNS is read, watched, and part of the config', () => {
  const of = (key: string) =>
    readConfig(
      {
        listeners: [{ port: 443, tls: true }],
        tls: { acme: { dns: { update: { server: '10.0.0.53', key } } } },
        sites: { '*.example.com': { respond: { status: 200 } } },
      },
      folder,
    )
  const text = 'key "edge" { algorithm hmac-sha256; secret "c2VjcmV0"; };'
  const right = of(file('update.key', text))
  assert.deepEqual(right.problems, [])
  assert.ok(right.document !== null)
  const compiler = new TlsCompiler(right.document, folder, systemClock)
  assert.ok(compiler.automatic()?.dns?.type === 'dns-01')
  assert.deepEqual([...compiler.contents()], [text])
  assert.deepEqual(compiler.files, [join(folder, 'update.key')])
  const told = (key: string): string =>
    of(key)
      .problems.map(({ path, message }) => `${pathText(path)}: ${message}`)
      .join('\n')
  assert.match(told('gone.key'), /^tls\.acme\.dns\.update\.key: .*gone\.key does not exist/)
  assert.match(told(file('none.key', 'nothing')), /none\.key has no key as `tsig-keygen` writes it/)
})

test('what cannot be read of a certificate is not told of its key', () => {
  const der = new X509Certificate(own.cert).raw
  // The value of the extension authorityKeyIdentifier (2.5.29.35), an octet string, is made one that says it is longer than it is.
  const at = der.indexOf(Buffer.from([0x06, 0x03, 0x55, 0x1d, 0x23]))
  assert.ok(at > 0)
  der[at + 8] = 0x7f
  assert.match(
    problemsOf({ ...own, cert: pemOf(der) }),
    /^error tls\.certificates\[0\]\.cert: the certificate cannot be read: /,
  )
})

test('each of hundreds of certificates is read once, whatever others there are', async () => {
  const names = Array.from({ length: 300 }, (_, i) => `www${i}.example.com`)
  const identities = await Promise.all(names.map((name) => makeIdentity([name])))
  const before = process.cpuUsage()
  const { problems } = readConfig({
    listeners: [{ port: 443, tls: true }],
    tls: { certificates: identities },
    sites: { '*': { respond: { status: 200 } } },
  })
  const { user, system } = process.cpuUsage(before)
  assert.deepEqual(problems, [])
  // Compared with each other they take a hundred times as long: 7 s, against 0.2 (measured).
  assert.ok(user + system < 1_500_000, `${(user + system) / 1000} ms of CPU`)
})
