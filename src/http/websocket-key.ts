/**
 * The key and its proof in a WebSocket handshake over HTTP/1 (RFC 6455 §1.3, §4.1). HTTP/2 has neither (RFC 8441 §5),
 * so where only one of the two sides speaks HTTP/1, whoever translates makes them.
 */
import { createHash, randomBytes } from 'node:crypto'

const keyBytes = 16
const uuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** A fresh Sec-WebSocket-Key. */
export function makeWebSocketKey(): string {
  return randomBytes(keyBytes).toString('base64')
}

/** The Sec-WebSocket-Accept that proves that `key` was read. */
export function webSocketAccept(key: string): string {
  return createHash('sha1')
    .update(key + uuid, 'latin1')
    .digest('base64')
}
