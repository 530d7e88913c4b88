/** Who is named when there are too many connections. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { largestClientText } from '../../../src/guard/largest-client.ts'
import type { ServerConnection } from '../../../src/http/serving.ts'

const from = (...addresses: string[]): ServerConnection[] =>
  addresses.map((remoteAddress) => ({ remoteAddress, isIdle: false, drain() {}, destroy() {} }))

test('the client that holds a quarter or more is named, with the bound that helps', () => {
  const connections = from('192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2', '192.0.2.3', '')
  assert.equal(
    largestClientText(connections),
    ' 2001:db8:0:0::/64 holds 2 of 6: limits.connectionsPerClientMax bounds what one client may.',
  )
})

test('nobody is named where all hold little, or nobody has an address', () => {
  assert.equal(largestClientText(from('192.0.2.1', '192.0.2.2')), '')
  assert.equal(largestClientText(from('', '', '')), '')
  const many = Array.from({ length: 8 }, (_, i) => `192.0.2.${i}`)
  assert.equal(largestClientText(from(...many, '192.0.2.0')), '')
})
