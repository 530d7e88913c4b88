import assert from 'node:assert/strict'
import { BlockList, isIP } from 'node:net'
import { test } from 'node:test'
import { Networks, readAddress } from '../../../src/guard/networks.ts'

function networks(...texts: string[]): Networks {
  const set = new Networks()
  for (const text of texts) assert.equal(set.add(text), '', text)
  return set
}

test('an address is in a network when its first bits are', () => {
  const set = networks('10.0.0.0/8', '192.168.1.0/24', '203.0.113.7')
  for (const inside of ['10.0.0.0', '10.255.255.255', '192.168.1.1', '203.0.113.7'])
    assert.equal(set.has(inside), true)
  for (const outside of ['9.255.255.255', '11.0.0.0', '192.168.2.1', '203.0.113.8', '']) {
    assert.equal(set.has(outside), false, outside)
  }
})

test('IPv6 networks and addresses in all their spellings', () => {
  const set = networks('2001:db8::/32', 'fe80::/10', '::1')
  for (const inside of [
    '2001:db8::',
    '2001:0DB8:ffff::1',
    'fe80::1%eth0',
    '::1',
    '0:0:0:0:0:0:0:1',
    '2001:db8::192.0.2.1',
  ]) {
    assert.equal(set.has(inside), true, inside)
  }
  for (const outside of ['2001:db9::', '::2', '::', 'fec0::1', '2001:db8'])
    assert.equal(set.has(outside), false, outside)
})

test('an IPv4-mapped address is its IPv4 address, in the network and in the question', () => {
  assert.equal(networks('10.0.0.0/8').has('::ffff:10.1.2.3'), true)
  assert.equal(networks('::ffff:10.0.0.0/104').has('10.1.2.3'), true)
  assert.equal(networks('::ffff:a00:1').has('10.0.0.1'), true)
  assert.match(new Networks().add('::ffff:0:0/64'), /at least 96/)
})

test('a network of all addresses takes its family only', () => {
  const all4 = networks('0.0.0.0/0')
  assert.equal(all4.has('255.1.2.3'), true)
  assert.equal(all4.has('::1'), false)
  assert.equal(networks('::/0').has('fd00::1'), true)
})

test('a wider network added before or after a narrower one holds both', () => {
  for (const set of [networks('10.0.0.0/8', '10.1.0.0/16'), networks('10.1.0.0/16', '10.0.0.0/8')]) {
    assert.equal(set.has('10.200.0.1'), true)
    assert.equal(set.has('10.1.0.1'), true)
  }
})

test('what is no network is refused with a sentence', () => {
  const cases: [string, RegExp][] = [
    ['', /not an IP address/],
    ['example.com', /not an IP address/],
    ['10.0.0', /not an IP address/],
    ['010.0.0.1', /not an IP address/],
    ['256.0.0.1', /not an IP address/],
    ['10.0.0.0/33', /0 to 32/],
    ['10.0.0.0/', /0 to 32/],
    ['10.0.0.0/08', /0 to 32/],
    ['fd00::/129', /0 to 128/],
    ['10.0.0.1/8', /beyond its prefix length/],
    ['1::2::3', /not an IP address/],
    ['1:2:3:4:5:6:7:8:9', /not an IP address/],
    ['1:2:3:4:5:6:7', /not an IP address/],
    [':1', /not an IP address/],
    ['1:', /not an IP address/],
    ['12345::', /not an IP address/],
    ['::1.2.3', /not an IP address/],
  ]
  for (const [text, pattern] of cases) assert.match(new Networks().add(text), pattern, text)
})

test('the trie says what Node says, for random networks and addresses', () => {
  const random = seeded(7)
  const set = new Networks()
  const oracle = new BlockList()
  for (let i = 0; i < 300; i++) {
    const isV6 = random() < 0.5
    const bits = Math.floor(random() * (isV6 ? 129 : 33))
    const address = isV6 ? randomV6(random, bits) : randomV4(random, bits)
    // Wide ones would hold everything.
    if (bits < 6) continue
    assert.equal(set.add(`${address}/${bits}`), '')
    oracle.addSubnet(address, bits, isV6 ? 'ipv6' : 'ipv4')
  }
  for (let i = 0; i < 3000; i++) {
    const address = random() < 0.5 ? randomV6(random, 128) : randomV4(random, 32)
    assert.equal(set.has(address), oracle.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'), address)
  }
})

test('reading addresses agrees with Node on what is one', () => {
  const words = new Uint32Array(4)
  const pieces = [
    '',
    '0',
    '1',
    'ff',
    'ffff',
    '10000',
    ':',
    '::',
    '.',
    '1.2.3.4',
    '255',
    '256',
    'g',
    '00',
    '%e',
  ]
  const random = seeded(11)
  for (let i = 0; i < 20_000; i++) {
    let text = ''
    const count = 1 + Math.floor(random() * 9)
    for (let k = 0; k < count; k++)
      text += (pieces[Math.floor(random() * pieces.length)] ?? '') + (random() < 0.6 ? ':' : '')
    // A zone is taken off by both, but only Node asks what it is made of.
    if (text.includes('%')) continue
    assert.equal(readAddress(text, words) !== 0, isIP(text) !== 0, text)
  }
})

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

function randomV4(random: () => number, bits: number): string {
  const value = bits === 0 ? 0 : (Math.floor(random() * 2 ** 32) & (-1 << (32 - bits))) >>> 0
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')
}

function randomV6(random: () => number, bits: number): string {
  return Array.from({ length: 8 }, (_, i) => {
    const kept = Math.max(0, Math.min(16, bits - i * 16))
    // Few values, so that networks and addresses meet. Not ::/n, which Node takes for IPv4's mapped addresses, too.
    const value = i < 2 ? (1 + Math.floor(random() * 3)) * 0x4000 : Math.floor(random() * 65_536)
    return (value & ~((1 << (16 - kept)) - 1)).toString(16)
  }).join(':')
}
