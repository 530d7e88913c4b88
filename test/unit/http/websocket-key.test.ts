import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeWebSocketKey, webSocketAccept } from '../../../src/http/websocket-key.ts'

test('the proof of a key is that of the RFC’s example (RFC 6455 §1.3)', () => {
  assert.equal(webSocketAccept('dGhlIHNhbXBsZSBub25jZQ=='), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
})

test('a key is sixteen bytes, another each time (RFC 6455 §4.1)', () => {
  assert.equal(Buffer.from(makeWebSocketKey(), 'base64').length, 16)
  assert.notEqual(makeWebSocketKey(), makeWebSocketKey())
})
