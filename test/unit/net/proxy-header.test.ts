/** PROXY protocol headers: reading and writing. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { faultRow } from '../../../src/core/faults.ts'
import { crc32c } from '../../../src/net/crc32c.ts'
import { ProxyHeader } from '../../../src/net/proxy-header.ts'
import { readProxyHeader } from '../../../src/net/read-proxy-header.ts'
import { writeProxyHeader, type ClientConnection } from '../../../src/net/write-proxy-header.ts'
import { proxyHeader } from '../../fuzz/proxy-header.ts'
import { inputOf } from '../../fuzz/mutate.ts'
import { proxyHeaderCases } from '../../golden/hostile/proxy-headers.ts'

function textOf(header: ProxyHeader): string {
  if (header.isLocal) return 'local'
  const ends = `${header.sourceAddress}:${header.sourcePort} > ${header.destinationAddress}:${header.destinationPort}`
  const more = [
    header.alpn && `alpn=${header.alpn}`,
    header.authority && `authority=${header.authority}`,
    header.uniqueId && `id=${header.uniqueId}`,
    header.isEncrypted && 'encrypted',
  ]
  return [ends, ...more.filter(Boolean)].join(' ')
}

const following = Buffer.from('GET / HTTP/1.1\r\n\r\n')

describe('what is read', () => {
  for (const { name, bytes, tells, fault } of proxyHeaderCases) {
    it(`${name}: ${fault ?? 'told'}`, () => {
      const header = new ProxyHeader()
      // In the middle of a buffer, so that offsets are tested too.
      const buffer = Buffer.concat([Buffer.from('\xff\xff', 'latin1'), bytes, following])
      const end = tells === undefined ? 2 + bytes.length : buffer.length
      const result = readProxyHeader(buffer, 2, end, header)
      if (tells === undefined) return assert.equal(faultRow(-result).name, fault)
      assert.equal(result, bytes.length)
      assert.equal(textOf(header), tells)
    })

    it(`${name}: no beginning of it is read otherwise`, () => {
      for (let end = 1; end < bytes.length; end++) {
        const result = readProxyHeader(bytes, 0, end, new ProxyHeader())
        if (tells === undefined) assert.ok(result <= 0, `${end} bytes`)
        else assert.equal(result, 0, `${end} bytes`)
      }
    })
  }
})

describe('what is written', () => {
  const clients: Record<string, ClientConnection> = {
    '192.0.2.1:55555 > 198.51.100.7:443': client('192.0.2.1', '198.51.100.7'),
    '2001:db8::1:55555 > ::1:443': client('2001:db8::1', '::1'),
    ':::55555 > 1:2:3:4:5:6:7:8:443': client('::', '1:2:3:4:5:6:7:8'),
    'fe80::1:55555 > fe80::2:443': client('fe80::1%eth0', 'fe80::2%eth0'),
    // An IPv4 address beside an IPv6 one goes as IPv4-mapped, and is read as what it is.
    '192.0.2.1:55555 > 2001:db8::f:443': client('192.0.2.1', '2001:db8::f'),
    local: client('', ''),
  }
  for (const version of ['v1', 'v2'] as const) {
    for (const [text, from] of Object.entries(clients)) {
      it(`${version} of ${text} is read as the same`, () => {
        const header = new ProxyHeader()
        const bytes = writeProxyHeader(version, from)
        assert.equal(readProxyHeader(bytes, 0, bytes.length, header), bytes.length)
        assert.equal(textOf(header), text)
        assert.equal(header.version, version === 'v1' ? 1 : 2)
      })
    }
  }

  it('version 2 tells the name and the protocol as well, under a sum', () => {
    const header = new ProxyHeader()
    const values = { authority: 'bücher.example', alpn: 'h2' }
    const bytes = writeProxyHeader('v2', client('192.0.2.1', '198.51.100.7'), values)
    assert.equal(readProxyHeader(bytes, 0, bytes.length, header), bytes.length)
    assert.equal(textOf(header), '192.0.2.1:55555 > 198.51.100.7:443 alpn=h2 authority=bücher.example')
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 1
    assert.ok(readProxyHeader(bytes, 0, bytes.length, new ProxyHeader()) < 0)
  })

  it('the sum is CRC-32C (RFC 3720 B.4)', () => {
    assert.equal(crc32c(Buffer.from('123456789'), 0, 9, 99), 0xe3_06_92_83)
    assert.equal(crc32c(Buffer.alloc(32), 0, 32, 99), 0x8a_91_36_aa)
    assert.equal(
      crc32c(Buffer.from('1234x678y'), 0, 9, 99) === crc32c(Buffer.from('123456789'), 0, 9, 99),
      false,
    )
  })
})

function client(remoteAddress: string, localAddress: string): ClientConnection {
  return { remoteAddress, remotePort: 55_555, localAddress, localPort: 443 }
}

it('the invariants hold for 4000 damaged inputs', () => {
  for (const text of proxyHeader.corpus) proxyHeader.run(Buffer.from(text, 'latin1'))
  for (let seed = 1; seed <= 4000; seed++) {
    const input = inputOf(proxyHeader, seed)
    try {
      proxyHeader.run(input)
    } catch (error) {
      assert.fail(`seed ${seed}: ${input.toString('latin1')}\n${String(error)}`)
    }
  }
})
