/**
 * Writing: the file of an answer is made under a temporary name and moved to its place when it is whole.
 *
 * It is not synced: whatever a loss of power takes from it the checksums bring to light, and then it costs a hit.
 * (Measured: a sync for each file takes as long as writing a hundred; docs/decisions.)
 */
import { crc32 } from 'node:zlib'
import type { Entry } from '../store/entry.ts'
import type { MemoryBody } from '../store/memory-body.ts'
import { searchPathOf, withRules, type SearchRules } from '../keys/no-vary-search.ts'
import { codeOf, type Disk } from './disk.ts'
import { load, loadHead } from './load.ts'
import { folderOf, nameOf, pathOf, rulesNameOf } from './names.ts'
import {
  ANSWER,
  blocksOf,
  headerOf,
  headOf,
  pointerFile,
  POINTER,
  readPointer,
  readRules,
  recordBytes,
  rulesFile,
  strongTagOf,
  tableBytes,
  type Moment,
} from './record.ts'

/** Files up to this size are written at once. */
const atOnceBytesMax = 1024 * 1024

/** Where answers are written. */
export interface WritePlace {
  readonly disk: Disk
  readonly root: string
  /** Was it purged meanwhile? Asked when a file is whole, before it gets its name. */
  isPurged(entry: Entry): Promise<boolean>
  /** A path for a file that is not whole yet, another one each time. */
  draft(): string
  /** What is known of rules for parameters. */
  readonly searchRules: SearchRules
  /** `mark`: whoever opens the folder later is to look for files of rules. */
  readonly rules: { mark(): Promise<void> }
}

/** Writes the file of an entry whose body is whole. Resolves with its bytes; 0: it was purged meanwhile. */
export async function writeEntry(
  place: WritePlace,
  name: string,
  entry: Entry,
  born: number,
  moment: Moment,
): Promise<number> {
  const head = headOf(entry, moment.nowMs, moment.wallMs)
  const draft = place.draft()
  try {
    const bytes =
      entry.body.backing === null && entry.body.length <= atOnceBytesMax
        ? await writeSmall(place, draft, head, entry.body, born)
        : await writeLarge(place, draft, head, entry.body, born)
    if (await place.isPurged(entry)) {
      await place.disk.remove(draft)
      return 0
    }
    await moveTo(place, draft, name)
    return bytes
  } catch (error) {
    await place.disk.remove(draft).catch(() => {})
    throw error
  }
}

async function writeSmall(
  { disk }: WritePlace,
  draft: string,
  head: Buffer,
  body: MemoryBody,
  born: number,
): Promise<number> {
  const blocks = [...blocksOf(body)]
  const table = Buffer.allocUnsafe(blocks.length * 4)
  for (const [i, block] of blocks.entries()) table.writeUInt32LE(crc32(block), i * 4)
  const header = answerHeader(head, body.length, born, table)
  const bytes = Buffer.concat([header, head, ...blocks, table])
  const file = await disk.create(draft)
  try {
    await file.write(bytes, 0)
  } finally {
    file.close()
  }
  return bytes.length
}

async function writeLarge(
  { disk }: WritePlace,
  draft: string,
  head: Buffer,
  body: MemoryBody,
  born: number,
): Promise<number> {
  const table = Buffer.allocUnsafe(tableBytes(body.length))
  const file = await disk.create(draft)
  try {
    let at = answerHeader(head, body.length, born, table).length + head.length
    for (let i = 0; i * 4 < table.length; i++) {
      const block = await blockOf(body, i)
      table.writeUInt32LE(crc32(block), i * 4)
      await file.write(block, at)
      at += block.length
    }
    await file.write(table, at)
    await file.write(Buffer.concat([answerHeader(head, body.length, born, table), head]), 0)
    return at + table.length
  } finally {
    file.close()
  }
}

async function blockOf(body: MemoryBody, index: number): Promise<Buffer> {
  const there = body.blocks[index]
  const block = there !== undefined && there.length > 0 ? there : await body.backing?.load(index)
  if (block === undefined || block === null) throw new Error('a block of the body cannot be had')
  return block
}

/** The header of an answer's file. */
export function answerHeader(head: Buffer, bodyLength: number, born: number, table: Buffer): Buffer {
  return headerOf({
    kind: ANSWER,
    headLength: head.length,
    headCheck: crc32(head),
    bodyLength,
    born,
    tableCheck: crc32(table),
  })
}

/** Gives a draft that is whole its name. */
export async function moveTo({ disk, root }: WritePlace, draft: string, name: string): Promise<void> {
  try {
    await disk.rename(draft, pathOf(root, name))
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    await disk.makeFolder(root + '/' + folderOf(name))
    await disk.rename(draft, pathOf(root, name))
  }
}

/** Makes what leads to the file of an answer lead there, unless it does. `onWritten`: another file was written. */
export async function writePointers(
  place: WritePlace,
  entry: Entry,
  onWritten: (name: string, bytes: number) => void,
): Promise<void> {
  const { key, vary, searchRule } = entry
  if (vary !== null) {
    const name = nameOf(key)
    const bytes = await writePointer(place, name, key, vary.names)
    if (bytes > 0) onWritten(name, bytes)
  }
  if (searchRule === null) return
  const path = searchPathOf(key)
  place.searchRules.add(key, searchRule)
  await place.rules.mark()
  const bytes = await writeRules(place, rulesNameOf(path), path)
  if (bytes > 0) onWritten(rulesNameOf(path), bytes)
}

/** Makes the file of a key tell by what its answers vary, unless it does. Resolves with its bytes, 0 when it did. */
async function writePointer(
  place: WritePlace,
  name: string,
  key: string,
  varyNames: readonly string[],
): Promise<number> {
  const there = await load(place.disk, pathOf(place.root, name))
  if (typeof there !== 'string') {
    there.file?.close()
    const isSame = there.header.kind === POINTER && readPointer(there.head, key)?.join() === varyNames.join()
    if (isSame) return 0
  }
  return writeAt(place, name, pointerFile(key, varyNames))
}

/**
 * Makes the file of a path tell which rules are known for it, with those that it tells already. One that two workers write
 * at the same moment may lose what one of them has added: they have told each other, and the next to write adds it again.
 */
async function writeRules(place: WritePlace, name: string, path: string): Promise<number> {
  const there = await loadHead(place.disk, pathOf(place.root, name))
  const before = typeof there === 'string' ? [] : (readRules(there, path) ?? [])
  const rules = withRules(place.searchRules.of(path), before)
  const isTold = rules.every(({ text }) => before.some((rule) => rule.text === text))
  return isTold ? 0 : writeAt(place, name, rulesFile(path, rules))
}

async function writeAt(place: WritePlace, name: string, bytes: Buffer): Promise<number> {
  const { disk } = place
  const draft = place.draft()
  const file = await disk.create(draft)
  try {
    await file.write(bytes, 0)
  } finally {
    file.close()
  }
  await moveTo(place, draft, name)
  return bytes.length
}

/**
 * Gives the file of a name the head of `entry`, whose body it has, in place: where it is torn by a death, the checksums
 * bring it to light. Resolves with the bytes of the file; 0: there is no room for it, or the file is another one.
 */
export async function rewriteHead(
  { disk, root }: WritePlace,
  name: string,
  entry: Entry,
  born: number,
  { nowMs, wallMs }: Moment,
): Promise<number> {
  const there = await load(disk, pathOf(root, name))
  if (typeof there === 'string' || there.file === null || there.table === null) {
    if (typeof there !== 'string') there.file?.close()
    return 0
  }
  const { file, header, table } = there
  try {
    const head = headOf(entry, nowMs, wallMs)
    const isSame = header.bodyLength === entry.body.length && strongTagOf(there.head) === strongTagOf(head)
    if (!isSame || strongTagOf(head) === '' || head.length > header.headLength) return 0
    const padded = Buffer.concat([head], header.headLength)
    await file.write(Buffer.concat([answerHeader(padded, header.bodyLength, born, table), padded]), 0)
    return recordBytes(header)
  } finally {
    file.close()
  }
}
