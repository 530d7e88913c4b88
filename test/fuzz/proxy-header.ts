/**
 * Fuzz target: the reader of PROXY protocol headers.
 *
 * Invariants: it never throws; it never takes more bytes than there are; the verdict is the same whatever way the bytes
 * come in; addresses that it gives are addresses; what it gives is read again from a header written of it.
 */
import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { ProxyHeader } from '../../src/net/proxy-header.ts'
import { readProxyHeader } from '../../src/net/read-proxy-header.ts'
import { writeProxyHeader } from '../../src/net/write-proxy-header.ts'
import { proxyHeaderCases } from '../golden/hostile/proxy-headers.ts'
import { cutsOf, type FuzzTarget } from './mutate.ts'

function verdictOf(bytes: Buffer): { result: number; header: ProxyHeader } {
  const header = new ProxyHeader()
  const result = readProxyHeader(bytes, 0, bytes.length, header)
  assert.ok(result <= bytes.length)
  return { result, header }
}

function checkAgain(header: ProxyHeader): void {
  const client = {
    remoteAddress: header.sourceAddress,
    remotePort: header.sourcePort,
    localAddress: header.destinationAddress,
    localPort: header.destinationPort,
  }
  for (const version of ['v1', 'v2'] as const) {
    const again = verdictOf(writeProxyHeader(version, client))
    assert.ok(again.result > 0)
    assert.deepEqual(
      [again.header.sourceAddress, again.header.sourcePort, again.header.destinationAddress],
      [header.sourceAddress, header.sourcePort, header.destinationAddress],
    )
  }
}

export const proxyHeader: FuzzTarget = {
  corpus: proxyHeaderCases.map(({ bytes }) => bytes.toString('latin1')).filter((text) => text.length < 4096),
  words: [
    'PROXY ',
    'TCP4',
    'TCP6',
    'UNKNOWN',
    '\r\n',
    ' ',
    '\r\n\r\n\0\r\nQUIT\n',
    '\x21',
    '\x11',
    '::',
    '65536',
  ],
  run(bytes) {
    const { result, header } = verdictOf(bytes)
    for (const cut of cutsOf(bytes)) {
      const part = verdictOf(bytes.subarray(0, cut)).result
      // Not whole yet, or what the whole is as well.
      if (part !== 0) assert.equal(part, result)
    }
    if (result <= 0 || header.isLocal || header.sourceAddress === '') return
    assert.ok(isIP(header.sourceAddress) !== 0 && isIP(header.destinationAddress) !== 0)
    checkAgain(header)
  },
}
