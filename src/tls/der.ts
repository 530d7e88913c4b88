/**
 * DER (X.690 §8, §10): writes and reads the values that certificates and requests for them are made of.
 *
 * Promises: what is written is the one encoding that DER allows; a reader never reads beyond its bytes, and throws a
 * DerError on what is not DER. It is off the way of requests: values are small, plain buffers.
 */
import { Buffer } from 'node:buffer'

/** Universal tags (X.690 §8.1.2), with the constructed bit where the type has parts. */
export const Tag = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  NULL: 0x05,
  OID: 0x06,
  UTF8_STRING: 0x0c,
  SEQUENCE: 0x30,
  SET: 0x31,
  IA5_STRING: 0x16,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
} as const

export class DerError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'DerError'
  }
}

/** Tag, length and content. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  let length = 0
  for (const part of parts) length += part.length
  return Buffer.concat([Buffer.from([tag]), lengthOf(length), ...parts])
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const octets: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return Buffer.from([0x80 | octets.length, ...octets])
}

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return der(Tag.SEQUENCE, ...parts)
}

/** A SET OF: its elements stand in the order of their encodings (X.690 §11.6). */
export function setOf(...parts: readonly Uint8Array[]): Buffer {
  return der(Tag.SET, ...parts.toSorted((a, b) => Buffer.compare(a, b)))
}

/** A number that is not negative: as such, or as its octets, most significant first. */
export function integer(value: number | Uint8Array): Buffer {
  const octets = typeof value === 'number' ? numberOctets(value) : Buffer.from(value)
  let start = 0
  while (start < octets.length - 1 && octets[start] === 0) start++
  const least = octets.subarray(start)
  // A first bit of one would make it negative.
  return ((least[0] ?? 0) & 0x80) === 0
    ? der(Tag.INTEGER, least.length === 0 ? Buffer.from([0]) : least)
    : der(Tag.INTEGER, Buffer.from([0]), least)
}

function numberOctets(value: number): Buffer {
  const octets: number[] = []
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return Buffer.from(octets)
}

export function boolean(value: boolean): Buffer {
  return der(Tag.BOOLEAN, Buffer.from([value ? 0xff : 0]))
}

export function nullValue(): Buffer {
  return der(Tag.NULL)
}

/** An object identifier, written '1.2.840.10045.2.1'. */
export function oid(text: string): Buffer {
  const arcs = text.split('.').map(Number)
  const [first = 0, second = 0, ...rest] = arcs
  const octets: number[] = []
  for (const arc of [first * 40 + second, ...rest]) {
    const groups = [arc & 0x7f]
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80)
    octets.push(...groups)
  }
  return der(Tag.OID, Buffer.from(octets))
}

export function octetString(...parts: readonly Uint8Array[]): Buffer {
  return der(Tag.OCTET_STRING, ...parts)
}

/** `unusedBits`: how many of the last octet's low bits do not count. */
export function bitString(bytes: Uint8Array, unusedBits = 0): Buffer {
  return der(Tag.BIT_STRING, Buffer.from([unusedBits]), bytes)
}

/** Named bits by their numbers; trailing zero bits are left out (X.690 §11.2.2). */
export function namedBits(...bits: readonly number[]): Buffer {
  const last = Math.max(-1, ...bits)
  const octets = Buffer.alloc(Math.floor(last / 8) + 1)
  for (const bit of bits) {
    const i = bit >> 3
    octets[i] = (octets[i] ?? 0) | (0x80 >> (bit & 7))
  }
  return bitString(octets, last < 0 ? 0 : 7 - (last & 7))
}

export function utf8String(text: string): Buffer {
  return der(Tag.UTF8_STRING, Buffer.from(text))
}

/** [n], constructed: around whole values. */
export function explicit(number: number, ...parts: readonly Uint8Array[]): Buffer {
  return der(0xa0 | number, ...parts)
}

/** [n], primitive: in place of a value's own tag. */
export function implicit(number: number, content: Uint8Array): Buffer {
  return der(0x80 | number, content)
}

/** A Time as RFC 5280 §4.1.2.5 wants it: UTCTime until 2049, GeneralizedTime after. Whole seconds. */
export function time(wallMs: number): Buffer {
  const digits = new Date(wallMs).toISOString().replace(/[-:T]|\.\d+/g, '')
  return Number(digits.slice(0, 4)) < 2050
    ? der(Tag.UTC_TIME, Buffer.from(digits.slice(2)))
    : der(Tag.GENERALIZED_TIME, Buffer.from(digits))
}

/** One value that was read. */
export class DerValue {
  readonly tag: number
  readonly content: Buffer
  /** Tag and length included. */
  readonly whole: Buffer

  constructor(tag: number, content: Buffer, whole: Buffer) {
    this.tag = tag
    this.content = content
    this.whole = whole
  }

  /** The values that this one is made of. */
  parts(): DerValue[] {
    const found: DerValue[] = []
    for (let at = 0; at < this.content.length;) {
      const value = readAt(this.content, at)
      found.push(value)
      at += value.whole.length
    }
    return found
  }

  /** The part at `i`; throws when there is none, or it has another tag. */
  part(i: number, tag?: number): DerValue {
    const found = this.parts()[i]
    if (found === undefined) throw new DerError(`part ${i} is missing`)
    if (tag !== undefined && found.tag !== tag)
      throw new DerError(`part ${i} has tag ${found.tag}, not ${tag}`)
    return found
  }

  /** Of an object identifier. */
  oid(): string {
    const arcs: number[] = []
    let arc = 0
    for (const octet of this.content) {
      arc = arc * 128 + (octet & 0x7f)
      if ((octet & 0x80) !== 0) continue
      if (arcs.length === 0)
        arcs.push(Math.min(2, Math.floor(arc / 40)), arc - 40 * Math.min(2, Math.floor(arc / 40)))
      else arcs.push(arc)
      arc = 0
    }
    return arcs.join('.')
  }
}

/** Reads one value that fills `bytes`. */
export function readDer(bytes: Uint8Array): DerValue {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const value = readAt(buffer, 0)
  if (value.whole.length !== buffer.length) throw new DerError('there are bytes behind the value')
  return value
}

function readAt(bytes: Buffer, start: number): DerValue {
  const tag = bytes[start]
  const first = bytes[start + 1]
  if (tag === undefined || first === undefined) throw new DerError('the value is cut off')
  // Tags above 30 take more octets; nothing in a certificate has one.
  if ((tag & 0x1f) === 0x1f) throw new DerError('tags of several octets are not read')
  let at = start + 2
  let length = first
  if (first >= 0x80) {
    const count = first & 0x7f
    if (count === 0 || count > 4) throw new DerError('the length is not DER')
    length = 0
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[at + i] ?? 0)
    at += count
    if (length < 0x80 || length < 256 ** (count - 1)) throw new DerError('the length is not the shortest')
  }
  const end = at + length
  if (end > bytes.length) throw new DerError('the value is cut off')
  return new DerValue(tag, bytes.subarray(at, end), bytes.subarray(start, end))
}
