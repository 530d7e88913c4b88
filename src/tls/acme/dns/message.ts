/**
 * Messages of DNS (RFC 1035 §4), as far as a dynamic update (RFC 2136) needs them. They are written whole, and read
 * together with the offsets of their parts, since a signature covers the bytes. Pure functions.
 *
 * Promises: what is written is in canonical form (RFC 4034 §6.2: lower case, not compressed), as TSIG digests it.
 * Reading never goes beyond the message, and names in it point backward only, so it ends (RFC 1035 §4.1.4).
 */

export const RecordType = { NS: 2, CNAME: 5, SOA: 6, TXT: 16, TSIG: 250 } as const
/** NONE: of a record that is taken out (RFC 2136 §2.5.4). */
export const RecordClass = { IN: 1, NONE: 254, ANY: 255 } as const
export const Opcode = { QUERY: 0, UPDATE: 5 } as const

const headBytes = 12
const labelBytesMax = 63
const nameBytesMax = 255

/** The first section is the question, or the zone of an update; the others are as in a query (RFC 2136 §2). */
export const Section = { ANSWER: 1, AUTHORITY: 2, ADDITIONAL: 3 } as const

export interface DnsRecord {
  readonly section: number
  readonly name: string
  readonly type: number
  readonly recordClass: number
  readonly ttlSeconds: number
  /** Where it begins in the message, and where its data does and ends. */
  readonly start: number
  readonly dataStart: number
  readonly dataEnd: number
}

export interface DnsMessage {
  readonly bytes: Buffer
  readonly id: number
  readonly isResponse: boolean
  readonly opcode: number
  readonly isTruncated: boolean
  /** RCODE (RFC 1035 §4.1.1, RFC 2136 §2.2). */
  readonly code: number
  readonly records: readonly DnsRecord[]
}

/** 'a.example' or 'a.example.' in octets. Throws when it is no name. */
export function nameBytes(name: string): Buffer {
  const labels = name.replace(/\.$/, '').toLowerCase().split('.')
  const pieces: Buffer[] = []
  for (const label of labels) {
    const bytes = Buffer.from(label, 'latin1')
    if (bytes.length === 0 || bytes.length > labelBytesMax) throw new Error(`"${name}" is no name of the DNS`)
    pieces.push(Buffer.of(bytes.length), bytes)
  }
  const whole = Buffer.concat([...pieces, Buffer.of(0)])
  if (whole.length > nameBytesMax) throw new Error(`"${name}" is longer than a name of the DNS may be`)
  return whole
}

export interface MessageToWrite {
  readonly id: number
  readonly opcode: number
  /** Of the question or the zone; its class is IN. */
  readonly name: string
  readonly type: number
  /** Records of the update section. */
  readonly updates?: readonly Buffer[]
}

export function writeMessage({ id, opcode, name, type, updates = [] }: MessageToWrite): Buffer {
  const head = Buffer.alloc(headBytes)
  head.writeUInt16BE(id, 0)
  head.writeUInt16BE(opcode << 11, 2)
  head.writeUInt16BE(1, 4)
  // UPCOUNT; no prerequisites (RFC 2136 §2.3).
  head.writeUInt16BE(updates.length, 8)
  return Buffer.concat([head, nameBytes(name), words(type, RecordClass.IN), ...updates])
}

/** Adds to the RRset, and leaves what others have there (RFC 2136 §2.5.1): two orders may be under way for one name. */
export function txtToAdd(name: string, value: string, ttlSeconds: number): Buffer {
  return record(name, RecordClass.IN, ttlSeconds, value)
}

/** Takes this record out and no other (RFC 2136 §2.5.4). */
export function txtToDelete(name: string, value: string): Buffer {
  return record(name, RecordClass.NONE, 0, value)
}

/** `value` has at most 255 octets: one character-string (RFC 1035 §3.3.14). */
function record(name: string, recordClass: number, ttlSeconds: number, value: string): Buffer {
  const text = Buffer.from(value, 'latin1')
  const ttl = Buffer.alloc(4)
  ttl.writeUInt32BE(ttlSeconds)
  return Buffer.concat([
    nameBytes(name),
    words(RecordType.TXT, recordClass),
    ttl,
    words(text.length + 1),
    Buffer.of(text.length),
    text,
  ])
}

export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2)
  for (const [i, value] of values.entries()) bytes.writeUInt16BE(value, i * 2)
  return bytes
}

/** null when it is no message, or does not end where its bytes do. */
export function readMessage(bytes: Buffer): DnsMessage | null {
  if (bytes.length < headBytes) return null
  const flags = bytes.readUInt16BE(2)
  let at = headBytes
  for (let n = bytes.readUInt16BE(4); n > 0; n--) {
    const question = readName(bytes, at)
    if (question === null || question.end + 4 > bytes.length) return null
    at = question.end + 4
  }
  const records: DnsRecord[] = []
  for (const section of [Section.ANSWER, Section.AUTHORITY, Section.ADDITIONAL]) {
    for (let n = bytes.readUInt16BE(4 + section * 2); n > 0; n--) {
      const one = readRecord(bytes, at, section)
      if (one === null) return null
      records.push(one)
      at = one.dataEnd
    }
  }
  if (at !== bytes.length) return null
  return {
    bytes,
    id: bytes.readUInt16BE(0),
    isResponse: (flags & 0x8000) !== 0,
    opcode: (flags >>> 11) & 0xf,
    isTruncated: (flags & 0x0200) !== 0,
    code: flags & 0xf,
    records,
  }
}

function readRecord(bytes: Buffer, start: number, section: number): DnsRecord | null {
  const owner = readName(bytes, start)
  if (owner === null || owner.end + 10 > bytes.length) return null
  const at = owner.end
  const dataStart = at + 10
  const dataEnd = dataStart + bytes.readUInt16BE(at + 8)
  if (dataEnd > bytes.length) return null
  return {
    section,
    name: owner.name,
    type: bytes.readUInt16BE(at),
    recordClass: bytes.readUInt16BE(at + 2),
    ttlSeconds: bytes.readUInt32BE(at + 4),
    start,
    dataStart,
    dataEnd,
  }
}

/** In lower case and without the last dot ('' is the root); `end` is behind it. null for what is none. */
export function readName(
  bytes: Buffer,
  start: number,
): { readonly name: string; readonly end: number } | null {
  const labels: string[] = []
  let at = start
  let end = -1
  let length = 1
  /** A pointer goes to before here. */
  let before = start
  for (;;) {
    const size = bytes[at]
    if (size === undefined) return null
    if (size >= 0xc0) {
      const low = bytes[at + 1]
      const to = low === undefined ? before : ((size & 0x3f) << 8) | low
      if (end < 0) end = at + 2
      if (to >= before) return null
      before = at = to
      continue
    }
    if (size > labelBytesMax) return null
    if (size === 0) return { name: labels.join('.'), end: end < 0 ? at + 1 : end }
    length += size + 1
    if (length > nameBytesMax || at + 1 + size > bytes.length) return null
    labels.push(labelText(bytes.toString('latin1', at + 1, at + 1 + size)))
    at += 1 + size
  }
}

/** A dot within a label is no end of it (RFC 1035 §5.1). */
function labelText(label: string): string {
  return label.toLowerCase().replace(/[.\\]/g, '\\$&')
}
