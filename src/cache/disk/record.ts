/**
 * The file of one stored answer: a header of 40 bytes, the head, the body, and a table with a checksum for each block
 * of the body. A file that is not whole counts for nothing: everything in it is covered by a checksum, and its length
 * is stated.
 *
 * Header: signature, kind, length and checksum of the head, length of the body, checksum of the table, checksum of
 * the header. Only one byte is not covered: `isSoft`, which is written in place when a purge makes the answer stale.
 *
 * A file of kind POINTER holds no answer: it tells by which fields the answers of its key vary. One of kind RULES
 * tells which rules for parameters there are for its path (names.ts).
 */
import { crc32 } from 'node:zlib'
import { StoredFields } from '../../http/stored-fields.ts'
import { Entry, noTags } from '../store/entry.ts'
import { MemoryBody, blockBytes } from '../store/memory-body.ts'
import { readKey } from '../keys/key.ts'
import type { StoredRule } from '../rules/rule.ts'
import { ruleOfKey, ruleOfText, type SearchRule } from '../keys/no-vary-search.ts'
import { varyOf, type VaryFolding } from '../keys/vary.ts'
import { TextReader, writeTexts } from './texts.ts'

/** The last character is the version of the format: files of another are not read. */
const signature = Buffer.from('HGC1')
const signatureNumber = signature.readUInt32LE(0)
export const headerBytes = 40
export const ANSWER = 1
export const POINTER = 2
export const RULES = 3

/** Where `isSoft` stands. */
export const softOffset = 5
const kindOffset = 4
const headLengthOffset = 8
const headCheckOffset = 12
const bodyLengthOffset = 16
const bornOffset = 24
const tableCheckOffset = 32
const headerCheckOffset = 36

/** Numbers of the rule, of eight bytes each, in this order. Moments are kept as distances from when the head arrived. */
const numberNames = [
  'initialAgeMs',
  'freshnessMs',
  'graceMs',
  'errorGraceMs',
  'keepMs',
  'lastModifiedMs',
  'dateMs',
  'flags',
  'storing',
] as const satisfies readonly (keyof StoredRule)[]
/** Before them: when it arrived by the wall, until when it is fresh, status, stated length. */
const ownNumbers = 4
const numbersBytes = (ownNumbers + numberNames.length) * 8

/** Texts before the tags. */
const textsFixed = 8

export interface RecordHeader {
  readonly kind: number
  readonly isSoft: boolean
  readonly headLength: number
  readonly headCheck: number
  readonly bodyLength: number
  /** Position in the journal of purges: later ones concern it, and of those before it none that came after its origin was asked. */
  readonly born: number
  readonly tableCheck: number
}

/** Bytes of the whole file. */
export function recordBytes({ headLength, bodyLength }: RecordHeader): number {
  return headerBytes + headLength + bodyLength + tableBytes(bodyLength)
}

export function tableBytes(bodyLength: number): number {
  return Math.ceil(bodyLength / blockBytes) * 4
}

// Writing

export function headerOf(header: Omit<RecordHeader, 'isSoft'>): Buffer {
  const bytes = Buffer.alloc(headerBytes)
  signature.copy(bytes)
  bytes[kindOffset] = header.kind
  bytes.writeUInt32LE(header.headLength, headLengthOffset)
  bytes.writeUInt32LE(header.headCheck, headCheckOffset)
  bytes.writeDoubleLE(header.bodyLength, bodyLengthOffset)
  bytes.writeDoubleLE(header.born, bornOffset)
  bytes.writeUInt32LE(header.tableCheck, tableCheckOffset)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, headerCheckOffset)), headerCheckOffset)
  return bytes
}

/** The head of an entry. `nowMs` and `wallMs`: one moment by both clocks. */
export function headOf(entry: Entry, nowMs: number, wallMs: number): Buffer {
  const numbers = Buffer.allocUnsafe(numbersBytes)
  const own = [
    wallMs - (nowMs - entry.responseMs),
    entry.freshUntilMs - entry.responseMs,
    entry.head.status,
    entry.statedLength,
  ]
  let at = 0
  for (const value of own) at = numbers.writeDoubleLE(value, at)
  for (const name of numberNames) at = numbers.writeDoubleLE(entry[name], at)
  const { key, site, host, etag, variant, vary, head, tagNames } = entry
  const names = vary === null ? '' : vary.names.join()
  const texts = [key, site, host, etag, variant, names, head.reason, head.fields.text, ...tagNames]
  return Buffer.concat([numbers, writeTexts(texts)])
}

/** Room that the head of a large file has to become another one in place (`rewriteHead`). */
const headRoomBytes = 1024
const headStepBytes = 512

/** A head with room behind it. */
export function paddedHead(head: Buffer): Buffer {
  const length = Math.ceil((head.length + headRoomBytes) / headStepBytes) * headStepBytes
  return Buffer.concat([head], length)
}

/** The checksums of the blocks of a body. */
export function tableOf(body: MemoryBody): Buffer {
  const table = Buffer.allocUnsafe(tableBytes(body.length))
  let at = 0
  for (const block of blocksOf(body)) at = table.writeUInt32LE(crc32(block), at)
  return table
}

/** A body that is in memory, as blocks. */
export function* blocksOf(body: MemoryBody): Generator<Buffer> {
  const { single } = body
  if (single === null) yield* body.blocks
  else for (let at = 0; at < single.length; at += blockBytes) yield single.subarray(at, at + blockBytes)
}

/** A file that says: answers under `key` vary by these fields. */
export function pointerFile(key: string, varyNames: readonly string[]): Buffer {
  return fileOfTexts(POINTER, [key, varyNames.join()])
}

/** A file that says: there are answers to `path` under these rules for parameters. */
export function rulesFile(path: string, rules: readonly SearchRule[]): Buffer {
  return fileOfTexts(RULES, [path, ...rules.map(({ text }) => text)])
}

function fileOfTexts(kind: number, texts: readonly string[]): Buffer {
  const head = writeTexts(texts)
  const header = headerOf({
    kind,
    headLength: head.length,
    headCheck: crc32(head),
    bodyLength: 0,
    born: 0,
    tableCheck: 0,
  })
  return Buffer.concat([header, head])
}

// Reading

/** Of a file that begins with `count` bytes of `bytes`. null: no header of ours, or a damaged one. */
export function readHeader(bytes: Buffer, count: number): RecordHeader | null {
  if (count < headerBytes || bytes.readUInt32LE(0) !== signatureNumber) return null
  const soft = bytes[softOffset] as number
  // It may have been set after the checksum was made. Put back: what is longer than one read is looked at twice.
  bytes[softOffset] = 0
  const check = crc32(bytes.subarray(0, headerCheckOffset))
  bytes[softOffset] = soft
  if (check !== bytes.readUInt32LE(headerCheckOffset)) return null
  return {
    kind: bytes[kindOffset] as number,
    isSoft: soft !== 0,
    headLength: bytes.readUInt32LE(headLengthOffset),
    headCheck: bytes.readUInt32LE(headCheckOffset),
    bodyLength: bytes.readDoubleLE(bodyLengthOffset),
    born: bytes.readDoubleLE(bornOffset),
    tableCheck: bytes.readUInt32LE(tableCheckOffset),
  }
}

/** The bytes of the head, null when they are not all there or damaged. `bytes`: the first `count` of the file. */
export function checkedHead(header: RecordHeader, bytes: Buffer, count: number): Buffer | null {
  const end = headerBytes + header.headLength
  if (count < end) return null
  const head = bytes.subarray(headerBytes, end)
  return crc32(head) === header.headCheck ? head : null
}

/** Is this the body, whole and undamaged, and its table, which stands in `bytes` from `at` on? */
export function isBodyRight(header: RecordHeader, body: Buffer, bytes: Buffer, at: number): boolean {
  const tableEnd = at + tableBytes(header.bodyLength)
  if (body.length !== header.bodyLength || !isTableRight(header, bytes, at, tableEnd)) return false
  if (body.length <= blockBytes) return body.length === 0 || crc32(body) === bytes.readUInt32LE(at)
  for (let block = 0; block < body.length; block += blockBytes) {
    if (crc32(body.subarray(block, block + blockBytes)) !== bytes.readUInt32LE(at)) return false
    at += 4
  }
  return true
}

export function isTableRight(header: RecordHeader, bytes: Buffer, start: number, end: number): boolean {
  return crc32(bytes.subarray(start, end)) === header.tableCheck
}

/** What a pointer says; null when it is about another key. */
export function readPointer(head: Buffer, key: string): readonly string[] | null {
  const texts = new TextReader(head, 0)
  return texts.next() === key ? texts.next().split(',') : null
}

/** What a file of rules says; null: it is about another path, or is none. */
export function readRules({ header, head }: RecordPart, path: string): readonly SearchRule[] | null {
  if (header.kind !== RULES) return null
  const texts = new TextReader(head, 0)
  if (texts.next() !== path) return null
  const rules: SearchRule[] = []
  for (let i = 1; i < texts.count; i++) {
    const rule = ruleOfText(texts.next())
    if (rule !== null) rules.push(rule)
  }
  return rules
}

interface RecordPart {
  readonly header: RecordHeader
  readonly head: Buffer
}

/** What a purge asks of a file. */
export interface RecordFacts {
  readonly key: string
  readonly site: string
  readonly host: string
  readonly tags: readonly string[]
}

/** The same, where the key is known. */
export function factsOfKey(key: string, tags: readonly string[]): RecordFacts {
  const { site, host } = readKey(key)
  return { key, site, host, tags }
}

export function readFacts(head: Buffer): RecordFacts {
  const texts = new TextReader(head, numbersBytes)
  const facts = { key: texts.next(), site: texts.next(), host: texts.next() }
  for (let i = 3; i < textsFixed; i++) texts.next()
  return { ...facts, tags: tagsOf(texts) }
}

/** Of a head whose other texts have been read. */
function tagsOf(texts: TextReader): readonly string[] {
  if (texts.count === textsFixed) return noTags
  const tags: string[] = []
  for (let i = textsFixed; i < texts.count; i++) tags.push(texts.next())
  return tags
}

/** The entity-tag by which the rest of an answer can be asked for; '' where it cannot be told from others. */
export function strongTagOf(head: Buffer): string {
  const texts = new TextReader(head, numbersBytes)
  for (let i = 0; i < 3; i++) texts.next()
  const etag = texts.next()
  return head.readDoubleLE(16) === 200 && etag.startsWith('"') ? etag : ''
}

export interface Moment {
  readonly nowMs: number
  readonly wallMs: number
}

/**
 * The entry that a head was made of, with `body`. `bornAt`: the store's generation before the file was looked at.
 * `folding`: of the route that asks. Where the wall clock has gone back behind the moment that it arrived, nobody can tell
 * its age: it counts as stale.
 */
export function entryOf(
  head: Buffer,
  body: MemoryBody,
  bornAt: number,
  folding: VaryFolding | null,
  { nowMs, wallMs }: Moment,
): Entry {
  const arrivedWallMs = head.readDoubleLE(0)
  const freshForMs = head.readDoubleLE(8)
  const texts = new TextReader(head, numbersBytes)
  const start = { key: texts.next(), site: texts.next(), host: texts.next() }
  const etag = texts.next()
  const variant = texts.next()
  const varyNames = texts.next()
  const reason = texts.next()
  const fields = StoredFields.fromText(texts.next())
  const tags = tagsOf(texts)
  const entry = new Entry({
    ...start,
    bornAt,
    head: { status: head.readDoubleLE(16), reason, fields },
    statedLength: head.readDoubleLE(24),
    vary: varyNames === '' ? null : varyOf(varyNames.split(','), folding),
    variant,
    tags,
    body,
    searchRule: ruleOfKey(start.key),
  })
  for (let i = 0; i < numberNames.length; i++)
    entry[numberNames[i] as (typeof numberNames)[number]] = head.readDoubleLE((ownNumbers + i) * 8)
  const isClockRight = wallMs >= arrivedWallMs
  entry.etag = etag
  entry.responseMs = nowMs - Math.max(0, wallMs - arrivedWallMs)
  entry.freshUntilMs = isClockRight ? entry.responseMs + freshForMs : Math.min(nowMs, nowMs + freshForMs)
  return entry
}
