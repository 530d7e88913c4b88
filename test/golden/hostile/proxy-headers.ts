/**
 * Headers of the PROXY protocol, right and wrong, each with the only verdict that leaves one reading: what it tells, or
 * the fault that ends the connection. Behind each of them a request follows, which a reader must not touch.
 */
import { crc32c } from '../../../src/net/crc32c.ts'

export interface ProxyHeaderCase {
  readonly name: string
  readonly bytes: Buffer
  /** 'source:port > destination:port and what else is told'; 'local' when the connection's own addresses hold. */
  readonly tells?: string
  /** The name of the fault. */
  readonly fault?: string
}

const signature = '\r\n\r\n\0\r\nQUIT\n'

interface Binary {
  readonly command?: number
  readonly family?: number
  readonly addresses?: readonly number[]
  readonly values?: readonly number[]
  /** Told instead of the real one. */
  readonly length?: number
}

const inet = [192, 0, 2, 1, 198, 51, 100, 7, 0xd9, 0x03, 0x01, 0xbb]
const inet6 = [
  ...[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  ...[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0f],
  ...[0xd9, 0x03, 0x01, 0xbb],
]
const mapped = [
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1],
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 51, 100, 7],
  ...[0xd9, 0x03, 0x01, 0xbb],
]
const unix = Array.from({ length: 216 }, (_, i) => (i === 0 || i === 108 ? 0x2f : 0))

function binary({ command = 0x21, family = 0x11, addresses = inet, values = [], length }: Binary): Buffer {
  const rest = [...addresses, ...values]
  const told = length ?? rest.length
  return Buffer.from([...Buffer.from(signature, 'latin1'), command, family, told >> 8, told & 0xff, ...rest])
}

function value(type: number, content: string | readonly number[]): number[] {
  const bytes = typeof content === 'string' ? [...Buffer.from(content)] : content
  return [type, bytes.length >> 8, bytes.length & 0xff, ...bytes]
}

/** With a sum behind everything; `spoil` is added to it. */
function summed(of: Binary, spoil = 0): Buffer {
  const bytes = binary({ ...of, values: [...(of.values ?? []), ...value(0x03, [0, 0, 0, 0])] })
  bytes.writeUInt32BE((crc32c(bytes, 0, bytes.length, bytes.length - 4) + spoil) >>> 0, bytes.length - 4)
  return bytes
}

const here = '192.0.2.1:55555 > 198.51.100.7:443'
const here6 = '2001:db8::1:55555 > 2001:db8::f:443'
const ssl = (client: number, inner: readonly number[] = []): number[] =>
  value(0x20, [client, 0, 0, 0, 0, ...inner])

function right(cases: Record<string, readonly [string | Buffer, string]>): ProxyHeaderCase[] {
  return Object.entries(cases).map(([name, [bytes, tells]]) => ({ name, bytes: asBuffer(bytes), tells }))
}

function wrong(fault: string, cases: Record<string, string | Buffer>): ProxyHeaderCase[] {
  return Object.entries(cases).map(([name, bytes]) => ({ name, bytes: asBuffer(bytes), fault }))
}

function asBuffer(bytes: string | Buffer): Buffer {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
}

const lines = right({
  'TCP over IPv4': ['PROXY TCP4 192.0.2.1 198.51.100.7 55555 443\r\n', here],
  'TCP over IPv6': ['PROXY TCP6 2001:db8::1 2001:db8::f 55555 443\r\n', here6],
  'an IPv6 address in capitals and at full length': [
    'PROXY TCP6 2001:0DB8:0:0:0:0:0:1 2001:DB8::F 55555 443\r\n',
    here6,
  ],
  'IPv4-mapped addresses': ['PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.7 55555 443\r\n', here],
  'the longest line': [
    `PROXY TCP6 ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`,
    `${'ffff:'.repeat(7)}ffff:65535 > ${'ffff:'.repeat(7)}ffff:65535`,
  ],
  'ports of 0': ['PROXY TCP4 192.0.2.1 198.51.100.7 0 0\r\n', '192.0.2.1:0 > 198.51.100.7:0'],
  UNKNOWN: ['PROXY UNKNOWN\r\n', 'local'],
  'UNKNOWN with addresses, which are ignored': [
    'PROXY UNKNOWN ffff:f...f:ffff ffff::1 65535 65535\r\n',
    'local',
  ],
})

const badLines = wrong('proxy_header_bad', {
  'a line that ends in LF alone': 'PROXY TCP4 192.0.2.1 198.51.100.7 55555 443\n',
  'a line without an end': `PROXY UNKNOWN ${'x'.repeat(100)}`,
  'a line of 108 bytes': `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`,
  'two spaces': 'PROXY TCP4  192.0.2.1 198.51.100.7 55555 443\r\n',
  'a space at the end': 'PROXY TCP4 192.0.2.1 198.51.100.7 55555 443 \r\n',
  'a word too many': 'PROXY TCP4 192.0.2.1 198.51.100.7 55555 443 x\r\n',
  'no destination port': 'PROXY TCP4 192.0.2.1 198.51.100.7 55555\r\n',
  'no family': 'PROXY \r\n',
  'a family of its own': 'PROXY UDP4 192.0.2.1 198.51.100.7 55555 443\r\n',
  'a family in small letters': 'PROXY tcp4 192.0.2.1 198.51.100.7 55555 443\r\n',
  'an IPv6 address as IPv4': 'PROXY TCP4 2001:db8::1 198.51.100.7 55555 443\r\n',
  'an IPv4 address as IPv6': 'PROXY TCP6 192.0.2.1 2001:db8::f 55555 443\r\n',
  'a zone': 'PROXY TCP6 fe80::1%eth0 2001:db8::f 55555 443\r\n',
  'a name for an address': 'PROXY TCP4 localhost 198.51.100.7 55555 443\r\n',
  'an octet with a leading zero': 'PROXY TCP4 192.0.02.1 198.51.100.7 55555 443\r\n',
  'an address of three parts': 'PROXY TCP4 192.0.2 198.51.100.7 55555 443\r\n',
  'a port with a leading zero': 'PROXY TCP4 192.0.2.1 198.51.100.7 055 443\r\n',
  'a port with a sign': 'PROXY TCP4 192.0.2.1 198.51.100.7 +55 443\r\n',
  'a port above 65535': 'PROXY TCP4 192.0.2.1 198.51.100.7 65536 443\r\n',
  'an empty port': 'PROXY TCP4 192.0.2.1 198.51.100.7  443\r\n',
  'a NUL in a port': 'PROXY TCP4 192.0.2.1 198.51.100.7 55\x005 443\r\n',
  'a tab for a space': 'PROXY TCP4\t192.0.2.1 198.51.100.7 55555 443\r\n',
})

const binaries = right({
  'version 2, TCP over IPv4': [binary({}), here],
  'version 2, TCP over IPv6': [binary({ family: 0x21, addresses: inet6 }), here6],
  'version 2, IPv4-mapped addresses': [binary({ family: 0x21, addresses: mapped }), here],
  'version 2, UDP over IPv4': [binary({ family: 0x12 }), here],
  'version 2, unix stream': [binary({ family: 0x31, addresses: unix }), ':0 > :0'],
  'version 2, LOCAL': [binary({ command: 0x20, family: 0, addresses: [] }), 'local'],
  'version 2, LOCAL with addresses, which are skipped': [binary({ command: 0x20 }), 'local'],
  'version 2, LOCAL with less than its family has': [binary({ command: 0x20, addresses: [1, 2] }), 'local'],
  'version 2, a family that is not told': [binary({ family: 0, addresses: [] }), 'local'],
  'version 2, a family that is not told, with bytes behind': [
    binary({ family: 0, addresses: [9, 9] }),
    'local',
  ],
  'a protocol and a name': [
    binary({ values: [...value(1, 'h2'), ...value(2, 'www.example.com')] }),
    `${here} alpn=h2 authority=www.example.com`,
  ],
  'a right sum': [summed({ values: value(2, 'a.example') }), `${here} authority=a.example`],
  'a right sum over IPv6': [summed({ family: 0x21, addresses: inet6 }), here6],
  'an id': [binary({ values: value(5, 'abc-1') }), `${here} id=abc-1`],
  'an id of 128 bytes': [binary({ values: value(5, 'x'.repeat(128)) }), `${here} id=${'x'.repeat(128)}`],
  'a client that spoke TLS': [
    binary({ values: ssl(1, [...value(0x21, 'TLSv1.3'), ...value(0x22, 'somebody')]) }),
    `${here} encrypted`,
  ],
  'a client that did not speak TLS': [binary({ values: ssl(0) }), here],
  'padding and values that nobody knows': [
    binary({ values: [...value(4, [0, 0, 0]), ...value(0xea, 'vpce-1'), ...value(0x30, 'ns')] }),
    here,
  ],
  'a certificate of some KiB': [
    binary({
      values: ssl(
        3,
        value(
          0x28,
          Array.from({ length: 6000 }, () => 7),
        ),
      ),
    }),
    `${here} encrypted`,
  ],
})

const badBinaries = wrong('proxy_header_bad', {
  'version 1 in binary': binary({ command: 0x11 }),
  'version 3': binary({ command: 0x31 }),
  'a command that is none': binary({ command: 0x22 }),
  'a family that is none': binary({ family: 0x41 }),
  'a transport that is none': binary({ family: 0x13 }),
  'less than the addresses of IPv4': binary({ addresses: inet.slice(0, 11) }),
  'less than the addresses of IPv6': binary({ family: 0x21, addresses: inet }),
  'less than the addresses of unix': binary({ family: 0x31, addresses: inet6 }),
  'a value cut within its head': binary({ values: [1, 0] }),
  'a value longer than what is left': binary({ values: [1, 0, 5, 0x68] }),
  'a wrong sum': summed({ values: value(2, 'a.example') }, 1),
  'a wrong sum with LOCAL': summed({ command: 0x20, family: 0, addresses: [] }, 1),
  'a sum of three bytes': binary({ values: value(3, [1, 2, 3]) }),
  'an id of 129 bytes': binary({ values: value(5, 'x'.repeat(129)) }),
  'a TLS value without its verification': binary({ values: value(0x20, [1, 0, 0]) }),
  'a TLS value whose own values are cut': binary({ values: ssl(1, [0x21, 0, 9, 0x54]) }),
  'more than 16 KiB': binary({ length: 16 * 1024 }),
})

const others = wrong('proxy_header_missing', {
  'a request': 'GET / HTTP/1.1\r\n\r\n',
  'a ClientHello': '\x16\x03\x01\x02\x00\x01',
  'the word in small letters': 'proxy TCP4 192.0.2.1 198.51.100.7 55555 443\r\n',
  'another method that begins alike': 'PROXYING / HTTP/1.1\r\n',
  'an empty line before the header': '\r\nPROXY TCP4 192.0.2.1 198.51.100.7 55555 443\r\n',
  'a signature with another ending': '\r\n\r\n\0\r\nQUIT\r',
})

export const proxyHeaderCases: readonly ProxyHeaderCase[] = [
  ...lines,
  ...badLines,
  ...binaries,
  ...badBinaries,
  ...others,
]
