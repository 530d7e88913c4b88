import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readFacts } from '../../../src/tls/certificate-facts.ts'
import { makeRequest } from '../../../src/tls/csr.ts'
import { keyKinds, makeKey, publicOf } from '../../../src/tls/keys.ts'
import { addressBytes, covers, isSubjectName } from '../../../src/tls/subject-names.ts'
import { makeCertificate, pemOfCertificate } from '../../../src/tls/x509.ts'
import { needs } from '../../programs.ts'

const dayMs = 86_400_000
const now = Math.floor(Date.now() / 1000) * 1000

function openssl(
  args: readonly string[],
  input?: Uint8Array,
): { readonly status: number | null; readonly text: string } {
  const run = spawnSync('openssl', args, { ...(input === undefined ? {} : { input }), encoding: 'utf8' })
  return { status: run.status, text: run.stdout + run.stderr }
}

test(
  'a request holds its names and a signature that openssl verifies',
  { skip: needs('openssl') },
  async () => {
    for (const kind of keyKinds.filter((kind) => kind !== 'rsa4096')) {
      const key = await makeKey(kind)
      const request = makeRequest(['www.example.com', '*.example.com', '192.0.2.7', '2001:db8::7'], key)
      const { status, text } = openssl(['req', '-inform', 'DER', '-verify', '-noout', '-text'], request)
      assert.equal(status, 0, text)
      assert.match(text, /verify OK/i)
      assert.match(
        text,
        /DNS:www\.example\.com, DNS:\*\.example\.com, IP Address:192\.0\.2\.7, IP Address:2001:DB8:0:0:0:0:0:7/,
      )
    }
  },
)

test(
  'a certificate of an authority is verified by Node and openssl',
  { skip: needs('openssl') },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'headgate-x509-'))
    try {
      const rootKey = await makeKey('p256')
      const root = makeCertificate({
        commonName: 'Test Root',
        names: [],
        key: rootKey,
        notBeforeMs: now,
        notAfterMs: now + 30 * dayMs,
        authority: { names: ['localhost'], networks: [Buffer.from('7f000000ff000000', 'hex')] },
      })
      const leafKey = await makeKey('rsa2048')
      const sign = (names: readonly string[]): Buffer =>
        makeCertificate({
          commonName: '',
          names,
          key: publicOf(leafKey),
          notBeforeMs: now,
          notAfterMs: now + dayMs,
          issuer: { commonName: 'Test Root', key: rootKey },
        })
      writeFileSync(join(folder, 'root.pem'), pemOfCertificate(root))
      const verify = (names: readonly string[]): { status: number | null; text: string } => {
        writeFileSync(join(folder, 'leaf.pem'), pemOfCertificate(sign(names)))
        return openssl([
          'verify',
          '-x509_strict',
          '-CAfile',
          join(folder, 'root.pem'),
          join(folder, 'leaf.pem'),
        ])
      }
      const good = verify(['a.localhost', '127.0.0.1'])
      assert.equal(good.status, 0, good.text)
      assert.match(verify(['www.example.com']).text, /permitted subtree violation/)
      assert.match(verify(['192.0.2.1']).text, /permitted subtree violation/)
      const leaf = new X509Certificate(sign(['a.localhost', '127.0.0.1']))
      assert.ok(leaf.verify(publicOf(rootKey)))
      assert.ok(leaf.checkIssued(new X509Certificate(root)))
      assert.equal(leaf.checkHost('a.localhost'), 'a.localhost')
      assert.equal(leaf.checkIP('127.0.0.1'), '127.0.0.1')
      assert.ok(leaf.checkPrivateKey(leafKey))
      assert.equal(new X509Certificate(root).ca, true)
      assert.equal(leaf.ca, false)
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
)

test(
  'a certificate for tls-alpn-01 has the hash in a critical extension (RFC 8737 §3)',
  { skip: needs('openssl') },
  async () => {
    const key = await makeKey('p256')
    const bytes = makeCertificate({
      commonName: '',
      names: ['www.example.com'],
      key,
      notBeforeMs: now,
      notAfterMs: now + dayMs,
      acmeIdentifier: Buffer.alloc(32, 0xab),
    })
    const { text } = openssl(['x509', '-inform', 'DER', '-noout', '-text'], bytes)
    assert.match(text, /1\.3\.6\.1\.5\.5\.7\.1\.31: critical\s+\. ?(\.)+/)
    assert.match(text, /DNS:www\.example\.com/)
    assert.ok(bytes.includes(Buffer.concat([Buffer.from('0420', 'hex'), Buffer.alloc(32, 0xab)])))
  },
)

test('an authority without constraints has no such extension, which may not be empty (RFC 5280 §4.2.1.10)', async () => {
  const key = await makeKey('p256')
  const nameConstraints = Buffer.from('0603551d1e', 'hex')
  const authorityOf = (names: readonly string[]): Buffer =>
    makeCertificate({
      commonName: 'Test Root',
      names: [],
      key,
      notBeforeMs: now,
      notAfterMs: now + dayMs,
      authority: { names, networks: [] },
    })
  assert.ok(authorityOf(['localhost']).includes(nameConstraints))
  assert.ok(!authorityOf([]).includes(nameConstraints))
})

test('the facts of a certificate are read back', async () => {
  const issuerKey = await makeKey('p256')
  const key = await makeKey('p256')
  const bytes = makeCertificate({
    commonName: '',
    names: ['www.example.com', '::1'],
    key,
    notBeforeMs: now,
    notAfterMs: now + dayMs,
    issuer: { commonName: 'Some Authority', key: issuerKey },
  })
  const facts = readFacts(pemOfCertificate(bytes))
  assert.deepEqual(facts.names, ['www.example.com', '0:0:0:0:0:0:0:1'])
  assert.equal(facts.notBeforeMs, now)
  assert.equal(facts.notAfterMs, now + dayMs)
  assert.equal(facts.issuer, 'Some Authority')
  assert.match(facts.serial, /^[4-7][0-9a-f]{31}$/)
  assert.match(facts.renewalId, /^[\w-]{27}\.[\w-]{22}$/)
})

test('an address has 4 or 16 bytes', () => {
  assert.equal(addressBytes('127.0.0.1').toString('hex'), '7f000001')
  assert.equal(addressBytes('::1').toString('hex'), '0'.repeat(31) + '1')
  assert.equal(addressBytes('2001:db8::').toString('hex'), '20010db8' + '0'.repeat(24))
  assert.equal(addressBytes('::ffff:192.0.2.1').toString('hex'), '0'.repeat(20) + 'ffffc0000201')
})

test('names that no certificate can have are told apart', () => {
  for (const name of [
    'www.example.com',
    '*.example.com',
    'a',
    'xn--mnchen-3ya.de',
    '192.0.2.1',
    '::1',
    'a_b.example',
  ])
    assert.ok(isSubjectName(name), name)
  for (const name of [
    '',
    '*',
    '*.',
    'a..b',
    '-a.b',
    'a-.b',
    'A.b',
    'a b',
    'a/b',
    '*.*.b',
    'a.*',
    '1.2.3',
    'x'.repeat(64),
  ])
    assert.ok(!isSubjectName(name), name)
})

test('a wildcard stands for exactly one label (RFC 9525 §6.3)', () => {
  assert.ok(covers('*.example.com', 'a.example.com'))
  assert.ok(!covers('*.example.com', 'example.com'))
  assert.ok(!covers('*.example.com', 'a.b.example.com'))
  assert.ok(covers('example.com', 'example.com'))
})

test('a certificate that names no issuer has facts all the same', async () => {
  const key = await makeKey('p256')
  const times = { notBeforeMs: now, notAfterMs: now + dayMs }
  const facts = readFacts(
    pemOfCertificate(makeCertificate({ commonName: '', names: ['a.example'], key, ...times })),
  )
  assert.equal(facts.issuer, '')
  assert.equal(facts.renewalId, '')
})
