import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { addressesInHosts, SystemResolver } from '../../../src/origin/system-resolver.ts'
import { DnsServer } from './dns-server.ts'

const dns = new DnsServer()
let folder = ''
let hostsPath = ''
let server = ''
let resolver: SystemResolver

before(async () => {
  server = await dns.listen()
  folder = await mkdtemp(join(tmpdir(), 'headgate-hosts-'))
  hostsPath = join(folder, 'hosts')
  await writeFile(hostsPath, '# ours\n10.9.9.9 listed.test\n')
  resolver = new SystemResolver({ hostsPath, dnsServers: [server], timeoutMs: 200 })
})

after(async () => {
  dns.close()
  await rm(folder, { recursive: true })
})

test('localhost and the names below it are this machine, and nobody is asked (RFC 6761 §6.3)', async () => {
  for (const name of ['localhost', 'app.localhost', 'localhost.']) {
    assert.deepEqual((await resolver.resolve(name)).addresses, ['127.0.0.1', '::1'])
  }
  assert.deepEqual(dns.asked, [])
})

test('DNS gives IPv4 and IPv6 addresses, IPv4 first, and the TTL', async () => {
  dns.zones.set('both.test', { addresses: ['2001:db8::1', '10.0.0.1', '10.0.0.2'], ttlSeconds: 42 })
  assert.deepEqual(await resolver.resolve('both.test'), {
    addresses: ['10.0.0.1', '10.0.0.2', '2001:db8::1'],
    ttlMs: 42_000,
  })
})

test('a name with addresses of one family only is no error', async () => {
  dns.zones.set('six.test', { addresses: ['2001:db8::6'], ttlSeconds: 5 })
  assert.deepEqual(await resolver.resolve('six.test'), { addresses: ['2001:db8::6'], ttlMs: 5000 })
})

test('the hosts file comes before DNS, and is read anew each time', async () => {
  dns.zones.set('listed.test', { addresses: ['10.0.0.1'], ttlSeconds: 42 })
  assert.deepEqual(await resolver.resolve('listed.test'), { addresses: ['10.9.9.9'], ttlMs: 10_000 })
  await writeFile(hostsPath, '10.8.8.8 listed.test\n')
  assert.deepEqual((await resolver.resolve('listed.test')).addresses, ['10.8.8.8'])
  await writeFile(hostsPath, '')
  assert.deepEqual((await resolver.resolve('listed.test')).addresses, ['10.0.0.1'])
})

test('without a hosts file DNS is asked', async () => {
  dns.zones.set('plain.test', { addresses: ['10.0.0.7'], ttlSeconds: 1 })
  for (const path of ['', join(folder, 'none'), folder]) {
    const other = new SystemResolver({ hostsPath: path, dnsServers: [server], timeoutMs: 200 })
    assert.deepEqual((await other.resolve('plain.test')).addresses, ['10.0.0.7'])
  }
})

test('a question that got no answer does not take away the addresses that it gave before', async () => {
  dns.zones.set('half.test', { addresses: ['10.0.0.1', '2001:db8::1'], ttlSeconds: 60 })
  await resolver.resolve('half.test')
  for (const how of ['servfail', 'silence'] as const) {
    dns.zones.set('half.test', {
      addresses: ['10.0.0.1', '2001:db8::1'],
      ttlSeconds: 60,
      fails: { family: 4, how },
    })
    const { addresses, ttlMs } = await resolver.resolve('half.test')
    assert.deepEqual(addresses, ['10.0.0.1', '2001:db8::1'])
    assert.equal(ttlMs, 1000)
  }
})

test('an address that DNS says is gone is gone', async () => {
  dns.zones.set('less.test', { addresses: ['10.0.0.1', '2001:db8::1'], ttlSeconds: 60 })
  await resolver.resolve('less.test')
  dns.zones.set('less.test', { addresses: ['2001:db8::1'], ttlSeconds: 60 })
  assert.deepEqual((await resolver.resolve('less.test')).addresses, ['2001:db8::1'])
})

test('a name that nobody knows is an error that says so', async () => {
  await assert.rejects(resolver.resolve('nobody.invalid'), /nobody\.invalid/)
})

test('a hosts file is read as hosts(5) says', () => {
  const text = [
    '127.0.0.1\tlocalhost',
    '  10.0.0.1   app App.Internal  # the app',
    '#10.0.0.2 app',
    '::5 app',
    '10.0.0.3 app',
    '10.0.0.1 app',
    'nonsense app',
    '10.0.0.4 application',
    '',
  ].join('\r\n')
  assert.deepEqual(addressesInHosts(text, 'app'), ['10.0.0.1', '10.0.0.3', '::5'])
  assert.deepEqual(addressesInHosts(text, 'app.internal'), ['10.0.0.1'])
  assert.deepEqual(addressesInHosts(text, 'the'), [])
})
