import assert from 'node:assert/strict'
import { test } from 'node:test'
import { acmeSchema } from '../../../src/config/acme-schema.ts'
import { automaticSettings } from '../../../src/config/automatic.ts'
import { readDnsServer } from '../../../src/config/dns-schema.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { automaticNames, type NameSources } from '../../../src/config/automatic-names.ts'
import { defaultStorageFolder } from '../../../src/tls/acme/storage-folder.ts'

const sources = (hosts: readonly string[], more: Partial<NameSources> = {}): NameSources => ({
  hosts,
  hasCertificate: () => false,
  hasAcme: true,
  hasDns: false,
  ...more,
})

test('public hosts come from the CA, local ones from the local authority', () => {
  const names = automaticNames(
    sources(['www.example.com', 'app.localhost', '*.localhost', 'db.internal', '*', '10.0.0.7']),
  )
  assert.deepEqual(names.publicNames, ['www.example.com'])
  assert.deepEqual(names.localNames, ['app.localhost', 'db.internal', '10.0.0.7'])
  assert.deepEqual(names.localPatterns, ['*.localhost'])
  assert.deepEqual(names.problems, [])
})

test('a host with a certificate from a file is left alone', () => {
  const names = automaticNames(sources(['www.example.com'], { hasCertificate: () => true, hasAcme: false }))
  assert.deepEqual([names.publicNames, names.localNames, names.problems], [[], [], []])
})

test('a public host without a CA, and a wildcard without dns, are told with a remedy', () => {
  const without = automaticNames(sources(['www.example.com', '*.localhost'], { hasAcme: false }))
  assert.match(
    without.problems[0]?.message ?? '',
    /no certificate for www\.example\.com: set tls\.acme\.email/,
  )
  assert.equal(without.problems.length, 1)
  const wildcard = automaticNames(sources(['*.example.com']))
  assert.match(wildcard.problems[0]?.message ?? '', /by dns-01 only; set tls\.acme\.dns/)
})

test('a host below a wildcard that is had anyway needs none of its own', () => {
  const names = automaticNames(
    sources(['*.example.com', 'www.example.com', 'a.b.example.com', 'example.com'], { hasDns: true }),
  )
  assert.deepEqual(names.publicNames, ['*.example.com', 'a.b.example.com', 'example.com'])
})

test('the email alone is enough; the challenges are those that need no setting up', () => {
  const acme = acmeSchema.parse('admin@example.com')
  const wish = {
    acme,
    storage: 'var/certs',
    names: automaticNames(sources([])),
    baseDirectory: '/etc/headgate',
    roots: '',
    tsigKey: null,
    clock: systemClock,
  }
  const settings = automaticSettings({ ...wish, hasPlainListener: true })
  assert.equal(settings.acme?.directoryUrl, 'https://acme-v02.api.letsencrypt.org/directory')
  assert.equal(settings.storageFolder, '/etc/headgate/var/certs')
  assert.deepEqual(settings.challenges, ['http-01', 'tls-alpn-01'])
  assert.deepEqual(automaticSettings({ ...wish, hasPlainListener: false }).challenges, ['tls-alpn-01'])
  const dns = acmeSchema.parse({ directory: 'staging', dns: { exec: './hook' } })
  const more = automaticSettings({ ...wish, acme: dns, hasPlainListener: true })
  assert.deepEqual(more.challenges, ['http-01', 'tls-alpn-01', 'dns-01'])
  assert.match(more.acme?.directoryUrl ?? '', /staging/)
})

const at = (host: string, port = 53) => ({ host, port })

test('a DNS server is an address or a name, with a port if that is not 53', () => {
  assert.deepEqual(readDnsServer('10.0.0.53'), at('10.0.0.53'))
  assert.deepEqual(readDnsServer('ns1.example.com:5353'), at('ns1.example.com', 5353))
  assert.deepEqual(readDnsServer('2001:db8::53'), at('2001:db8::53'))
  assert.deepEqual(readDnsServer('[2001:db8::53]:5353'), at('2001:db8::53', 5353))
  for (const text of ['', '10.0.0.256', 'a:b:c', 'ns1:0', 'ns1:65536', 'http://ns1', '[ns1]:53', 'a..b'])
    assert.equal(readDnsServer(text), null, text)
})

test('dns-01 is by a program or by updates of a server, with a key', () => {
  const key = { name: 'Headgate.', secret: 'c2VjcmV0' }
  const update = { server: '10.0.0.53', key }
  const acme = acmeSchema.parse({ dns: { update } })
  assert.deepEqual(acme.dns?.update?.key, {
    name: 'headgate',
    algorithm: 'hmac-sha256',
    secret: 'c2VjcmV0',
  })
  assert.match(messages({ dns: {} }), /either .*exec.*, a program, or .*update.*, a DNS server, is needed/)
  assert.match(messages({ dns: { exec: 'x', update } }), /either /)
  assert.match(messages({ dns: { update: { ...update, server: 'ns 1' } } }), /is no DNS server/)
  assert.match(messages({ dns: { update: { ...update, zone: 'a..b' } } }), /a name of the DNS is expected/)
})

const messages = (input: unknown): string => acmeSchema.safeParse(input).error?.message ?? ''

test('what cannot be meant is refused with a sentence', () => {
  assert.match(messages({ directory: 'letsencript' }), /is no directory/)
  assert.match(messages({ onDemand: {} }), /anybody could have certificates made for any name/)
  assert.match(messages({ challenges: [] }), /at least one kind/)
  assert.match(messages({ caFile: 'gone.pem', emial: 'x' }), /emial/)
})

test('certificates are kept where the service manager says, else where the system keeps such things', () => {
  assert.equal(defaultStorageFolder({ STATE_DIRECTORY: '/var/lib/edge:/x' }, 7), '/var/lib/edge')
  assert.equal(defaultStorageFolder({}, 0), '/var/lib/headgate')
  assert.equal(defaultStorageFolder({ XDG_DATA_HOME: '/d' }, 7), '/d/headgate')
})
