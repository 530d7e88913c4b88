/**
 * Reads the header of the PROXY protocol, version 1 (a line) or 2 (binary).
 *
 * It is strict, as the specification demands ("must be rejected as invalid by receivers"): there is one reading or
 * none. Bytes that are no header are recognised at the first one that cannot begin one, so a peer that speaks another
 * protocol is not waited for.
 */
import { Faults, type Fault } from '../core/faults.ts'
import { crc32c } from './crc32c.ts'
import { addressOfText, ipv4Text, ipv6Text, ProxyHeader, proxySignature, ProxyValue } from './proxy-header.ts'

/** Version 1's longest line with its CR LF (§2.1). */
export const proxyLineBytesMax = 107
/**
 * Version 2 with all its values. Senders keep to some hundred bytes, except where they add a client's certificate,
 * which is a few KiB. nginx takes 4 KiB, HAProxy what its buffer of 16 holds.
 */
export const proxyHeaderBytesMax = 16 * 1024
/** Of a UNIQUE_ID (§2.2.5). */
const uniqueIdBytesMax = 128
const prefixBytes = 16

const lineStart: Buffer = Buffer.from('PROXY ', 'latin1')
const INCOMPLETE = 0
const bad: Fault = -Faults.PROXY_HEADER_BAD

/**
 * Reads a header that begins at `bytes[start]` into `header`, which must be new. Gives how many bytes it has; 0 when
 * it is not whole yet; or a negative fault: PROXY_HEADER_MISSING for what is no header, PROXY_HEADER_BAD for a wrong one.
 */
export function readProxyHeader(bytes: Buffer, start: number, end: number, header: ProxyHeader): number {
  if (beginsLike(bytes, start, end, proxySignature)) return readBinary(bytes, start, end, header)
  if (beginsLike(bytes, start, end, lineStart)) return readLine(bytes, start, end, header)
  return -Faults.PROXY_HEADER_MISSING
}

/** As far as there is something: do the bytes begin like `mark`? */
function beginsLike(bytes: Buffer, start: number, end: number, mark: Buffer): boolean {
  const length = Math.min(end - start, mark.length)
  return bytes.compare(mark, 0, length, start, start + length) === 0
}

// Version 1

function readLine(bytes: Buffer, start: number, end: number, header: ProxyHeader): number {
  const stop = Math.min(end, start + proxyLineBytesMax)
  const lineEnd = bytes.subarray(start, stop).indexOf(0x0a)
  if (lineEnd < 0) return stop - start === proxyLineBytesMax ? bad : INCOMPLETE
  const text = bytes.toString('latin1', start, start + lineEnd + 1)
  if (!text.endsWith('\r\n')) return bad
  header.version = 1
  const words = text.slice(0, -2).split(' ')
  // What follows UNKNOWN is to be ignored (§2.1).
  if (words[1] === 'UNKNOWN') return text.length
  return words.length === 6 && readLineAddresses(words, header) ? text.length : bad
}

function readLineAddresses(words: readonly string[], header: ProxyHeader): boolean {
  const [, family, source = '', destination = '', sourcePort = '', destinationPort = ''] = words
  if (family !== 'TCP4' && family !== 'TCP6') return false
  const isIPv6 = family === 'TCP6'
  header.isLocal = false
  header.sourceAddress = addressOfText(source, isIPv6)
  header.destinationAddress = addressOfText(destination, isIPv6)
  header.sourcePort = portOf(sourcePort)
  header.destinationPort = portOf(destinationPort)
  return (
    header.sourceAddress !== '' &&
    header.destinationAddress !== '' &&
    header.sourcePort >= 0 &&
    header.destinationPort >= 0
  )
}

/** -1 for what is no port. */
function portOf(text: string): number {
  const port = /^(?:0|[1-9]\d{0,4})$/.test(text) ? Number(text) : -1
  return port > 65_535 ? -1 : port
}

// Version 2

const UNSPECIFIED = 0
const INET = 1
const INET6 = 2
const UNIX = 3
/** Of both addresses and ports, by family. */
const addressesBytes: readonly number[] = [0, 12, 36, 216]

function readBinary(bytes: Buffer, start: number, end: number, header: ProxyHeader): number {
  if (end - start < prefixBytes) return INCOMPLETE
  const versionAndCommand = bytes[start + 12] as number
  const command = versionAndCommand & 0x0f
  if (versionAndCommand >> 4 !== 2 || command > 1) return bad
  const familyAndTransport = bytes[start + 13] as number
  const family = familyAndTransport >> 4
  // Stream or datagram makes no difference to who the client is.
  if (family > UNIX || (familyAndTransport & 0x0f) > 2) return bad
  const length = prefixBytes + bytes.readUInt16BE(start + 14)
  if (length > proxyHeaderBytesMax) return bad
  if (end - start < length) return INCOMPLETE
  header.version = 2
  header.isLocal = command === 0 || family === UNSPECIFIED
  const at = start + prefixBytes
  if (header.isLocal) {
    // Addresses are to be skipped, and what cannot be read behind them as well: only a wrong sum counts.
    const valuesAt = Math.min(start + length, at + (addressesBytes[family] as number))
    const isSound = readValues(bytes, start, valuesAt, start + length, new ProxyHeader()) !== WRONG_SUM
    return isSound ? length : bad
  }
  const valuesAt = at + (addressesBytes[family] as number)
  if (valuesAt > start + length) return bad
  readBinaryAddresses(bytes, at, family, header)
  return readValues(bytes, start, valuesAt, start + length, header) === SOUND ? length : bad
}

function readBinaryAddresses(bytes: Buffer, at: number, family: number, header: ProxyHeader): void {
  if (family === INET) {
    header.sourceAddress = ipv4Text(bytes, at)
    header.destinationAddress = ipv4Text(bytes, at + 4)
    header.sourcePort = bytes.readUInt16BE(at + 8)
    header.destinationPort = bytes.readUInt16BE(at + 10)
  } else if (family === INET6) {
    header.sourceAddress = ipv6Text(bytes, at)
    header.destinationAddress = ipv6Text(bytes, at + 16)
    header.sourcePort = bytes.readUInt16BE(at + 32)
    header.destinationPort = bytes.readUInt16BE(at + 34)
  }
}

const SOUND = 0
const MALFORMED = 1
const WRONG_SUM = 2

/** Reads the type-length-values of `bytes[at, end)`; the header began at `start`. */
function readValues(bytes: Buffer, start: number, at: number, end: number, header: ProxyHeader): number {
  while (at < end) {
    if (end - at < 3) return MALFORMED
    const type = bytes[at] as number
    const length = bytes.readUInt16BE(at + 1)
    const value = at + 3
    at = value + length
    if (at > end) return MALFORMED
    const outcome = readValue(bytes, type, value, at, header)
    if (outcome !== SOUND) return outcome
    if (type === ProxyValue.CRC32C && crc32c(bytes, start, end, value) !== bytes.readUInt32BE(value))
      return WRONG_SUM
  }
  return SOUND
}

/** What is not known is left alone: other senders have other values (§2.2). */
function readValue(bytes: Buffer, type: number, start: number, end: number, header: ProxyHeader): number {
  const length = end - start
  switch (type) {
    case ProxyValue.ALPN:
      header.alpn = bytes.toString('latin1', start, end)
      return SOUND
    case ProxyValue.AUTHORITY:
      header.authority = bytes.toString('utf8', start, end)
      return SOUND
    case ProxyValue.UNIQUE_ID:
      if (length > uniqueIdBytesMax) return MALFORMED
      header.uniqueId = bytes.toString('latin1', start, end)
      return SOUND
    case ProxyValue.CRC32C:
      return length === 4 ? SOUND : MALFORMED
    case ProxyValue.SSL:
      // client bits, then 4 bytes of verification, then values of its own.
      if (length < 5) return MALFORMED
      header.isEncrypted = ((bytes[start] as number) & 0x01) === 0x01
      return isWellFormed(bytes, start + 5, end) ? SOUND : MALFORMED
    default:
      return SOUND
  }
}

/** Do the values inside another one fill it exactly? */
function isWellFormed(bytes: Buffer, at: number, end: number): boolean {
  while (end - at >= 3) at += 3 + bytes.readUInt16BE(at + 1)
  return at === end
}
