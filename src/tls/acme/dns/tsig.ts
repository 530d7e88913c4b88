/**
 * TSIG (RFC 8945): messages of DNS signed with a secret that both sides have. Pure functions.
 *
 * Promises: a response is accepted as the server's only when its MAC, which covers that of the request, is right in
 * full length and its time is within the fudge; nothing else in it is believed before that.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { nameBytes, readName, RecordClass, RecordType, Section, words, type DnsMessage } from './message.ts'

/** Those that RFC 8945 §6 has for use; SHA-1 and MD5 it has only for what was made before. */
export const tsigAlgorithms = ['hmac-sha256', 'hmac-sha384', 'hmac-sha512'] as const
export type TsigAlgorithm = (typeof tsigAlgorithms)[number]

export interface TsigKey {
  readonly name: string
  readonly algorithm: TsigAlgorithm
  readonly secret: Buffer
}

/** How far the clocks may be apart: what RFC 8945 §10 advises. */
export const fudgeSeconds = 300

export const TsigError = { NONE: 0, BADSIG: 16, BADKEY: 17, BADTIME: 18, BADTRUNC: 22 } as const

interface TsigVariables {
  readonly seconds: number
  readonly fudge: number
  readonly error: number
  readonly other: Buffer
}

/** The message with its signature, and that for `verifyResponse`. */
export function signRequest(
  message: Buffer,
  key: TsigKey,
  nowSeconds: number,
): { readonly bytes: Buffer; readonly mac: Buffer } {
  const variables = {
    seconds: nowSeconds,
    fudge: fudgeSeconds,
    error: TsigError.NONE,
    other: Buffer.alloc(0),
  }
  const mac = macOf(key, [message], variables)
  const data = Buffer.concat([
    nameBytes(key.algorithm),
    time(nowSeconds),
    words(fudgeSeconds, mac.length),
    mac,
    words(message.readUInt16BE(0), TsigError.NONE, 0),
  ])
  const head = Buffer.from(message.subarray(0, 12))
  head.writeUInt16BE(head.readUInt16BE(10) + 1, 10)
  const bytes = Buffer.concat([
    head,
    message.subarray(12),
    nameBytes(key.name),
    words(RecordType.TSIG, RecordClass.ANY, 0, 0, data.length),
    data,
  ])
  return { bytes, mac }
}

export interface TsigVerdict {
  /** `unsigned`: there is no MAC, so nothing in it can be believed; `wrong`: there is one, and it is not the server's. */
  readonly state: 'verified' | 'unsigned' | 'wrong'
  /** Why; '' when it is verified. */
  readonly reason: string
  /** What the server says of the request's signature: a TsigError. */
  readonly error: number
  /** With BADTIME: what the server's clock shows; else 0. */
  readonly serverSeconds: number
}

const none = { error: 0, serverSeconds: 0 }
const unsigned: TsigVerdict = { state: 'unsigned', reason: 'its answer is not signed', ...none }
const wrong = (reason: string): TsigVerdict => ({ state: 'wrong', reason, ...none })

export function verifyResponse(
  response: DnsMessage,
  key: TsigKey,
  requestMac: Buffer,
  nowSeconds: number,
): TsigVerdict {
  const signatures = response.records.filter(({ type }) => type === RecordType.TSIG)
  const [record] = signatures
  if (record === undefined) return unsigned
  const isLast = signatures.length === 1 && record.dataEnd === response.bytes.length
  const isRight = record.recordClass === RecordClass.ANY && record.ttlSeconds === 0
  if (!isLast || !isRight || record.section !== Section.ADDITIONAL)
    return wrong('the signature of its answer is not where it belongs')
  const data = readData(response.bytes, record.dataStart, record.dataEnd)
  if (data === null) return wrong('the signature of its answer is malformed')
  const { error } = data
  // It has no key in common with us, or could not confirm that we have (RFC 8945 §5.2.1, §5.2.2).
  if (data.mac.length === 0) return { ...unsigned, error }
  if (record.name !== key.name.toLowerCase().replace(/\.$/, '') || data.algorithm !== key.algorithm)
    return wrong('its answer is signed by another key')
  const message = Buffer.from(response.bytes.subarray(0, record.start))
  message.writeUInt16BE(data.originalId, 0)
  message.writeUInt16BE(message.readUInt16BE(10) - 1, 10)
  const mac = macOf(key, [words(requestMac.length), requestMac, message], data)
  if (mac.length !== data.mac.length || !timingSafeEqual(mac, data.mac))
    return wrong('the signature of its answer is not right')
  if (Math.abs(nowSeconds - data.seconds) > data.fudge) return wrong('the time of its answer is not ours')
  const isLate = error === TsigError.BADTIME && data.other.length === 6
  return { state: 'verified', reason: '', error, serverSeconds: isLate ? data.other.readUIntBE(0, 6) : 0 }
}

/** RFC 8945 §4.3. */
function macOf(key: TsigKey, digested: readonly Buffer[], variables: TsigVariables): Buffer {
  const hmac = createHmac(key.algorithm.slice(5), key.secret)
  for (const piece of digested) hmac.update(piece)
  return hmac
    .update(nameBytes(key.name))
    .update(words(RecordClass.ANY, 0, 0))
    .update(nameBytes(key.algorithm))
    .update(time(variables.seconds))
    .update(words(variables.fudge, variables.error, variables.other.length))
    .update(variables.other)
    .digest()
}

function time(seconds: number): Buffer {
  const bytes = Buffer.alloc(6)
  bytes.writeUIntBE(seconds, 0, 6)
  return bytes
}

interface TsigData extends TsigVariables {
  readonly algorithm: string
  readonly mac: Buffer
  readonly originalId: number
}

/** RFC 8945 §4.2; null when it does not fill `bytes[start, end)`. */
function readData(bytes: Buffer, start: number, end: number): TsigData | null {
  const algorithm = readName(bytes, start)
  if (algorithm === null || algorithm.end + 10 > end) return null
  let at = algorithm.end
  const seconds = bytes.readUIntBE(at, 6)
  const fudge = bytes.readUInt16BE(at + 6)
  const macLength = bytes.readUInt16BE(at + 8)
  at += 10
  if (at + macLength + 6 > end) return null
  const mac = bytes.subarray(at, at + macLength)
  at += macLength
  const otherLength = bytes.readUInt16BE(at + 4)
  if (at + 6 + otherLength !== end) return null
  return {
    algorithm: algorithm.name,
    seconds,
    fudge,
    mac,
    originalId: bytes.readUInt16BE(at),
    error: bytes.readUInt16BE(at + 2),
    other: bytes.subarray(at + 6, end),
  }
}
