/**
 * Loading: the file of a name, read and checked. A small one is read whole and compared with its checksums before anybody
 * hears of it; of a large one the head and the table of checksums are, and its body comes block by block (file-body.ts).
 */
import { blockBytes } from '../memory-body.ts'
import { codeOf, type Disk, type DiskFile } from './disk.ts'
import {
  ANSWER,
  checkedHead,
  headerBytes,
  isBodyRight,
  isTableRight,
  readHeader,
  recordBytes,
  tableBytes,
  type RecordHeader,
} from './record.ts'

/** What is read first: most files are smaller. */
export const firstBytes: number = 64 * 1024
/** Bodies up to this size are read whole. */
export const smallBytesMax: number = 256 * 1024

export interface Loaded {
  readonly header: RecordHeader
  readonly head: Buffer
  /** Of a small one; null of a large one and of a pointer. */
  readonly body: Buffer | null
  /** Of a large one: open. */
  readonly file: DiskFile | null
  readonly table: Buffer | null
}

/** There is none; or there is something that is not whole, or damaged, or cannot be read. */
export const ABSENT = 'absent'
export const DAMAGED = 'damaged'
export type Missing = typeof ABSENT | typeof DAMAGED

/** Buffers of `firstBytes` that are not in use: as many as files are read at a time (finder.ts). */
const spares: Buffer[] = []
const sparesMax = 64

export async function load(disk: Disk, path: string): Promise<Loaded | Missing> {
  const first = spares.pop() ?? Buffer.allocUnsafeSlow(firstBytes)
  let file: DiskFile | null = null
  try {
    file = await disk.open(path)
    const loaded = await read(file, first)
    if (typeof loaded === 'string' || loaded.file === null) file.close()
    return loaded
  } catch (error) {
    file?.close()
    return codeOf(error) === 'ENOENT' ? ABSENT : DAMAGED
  } finally {
    if (spares.length < sparesMax) spares.push(first)
  }
}

async function read(file: DiskFile, first: Buffer): Promise<Loaded | Missing> {
  const count = await file.read(first, 0)
  const start = first.subarray(0, count)
  const header = readHeader(start)
  if (header === null) return DAMAGED
  const isSmall = header.bodyLength <= smallBytesMax
  const whole = isSmall ? await readWhole(file, header, start) : start
  if (whole === null) return DAMAGED
  const head = checkedHead(header, await withHead(file, header, whole))
  if (head === null) return DAMAGED
  // The buffer is used again, and what is made of the head is made later.
  const kept = Buffer.from(head)
  if (header.kind !== ANSWER) return { header, head: kept, body: null, file: null, table: null }
  const bodyStart = headerBytes + header.headLength
  const tableStart = bodyStart + header.bodyLength
  if (!isSmall) return readLarge(file, header, kept)
  const body = Buffer.allocUnsafeSlow(header.bodyLength)
  whole.copy(body, 0, bodyStart, tableStart)
  const isRight =
    whole.length === recordBytes(header) && isBodyRight(header, body, whole.subarray(tableStart))
  return isRight ? { header, head: kept, body, file: null, table: null } : DAMAGED
}

/** All of a small file, of which `start` has been read; null when it is of another length than it says. */
async function readWhole(file: DiskFile, header: RecordHeader, start: Buffer): Promise<Buffer | null> {
  const bytes = recordBytes(header)
  if (start.length < firstBytes) return start.length === bytes ? start : null
  if (bytes > file.size()) return null
  return readFrom(file, start, bytes)
}

async function readFrom(file: DiskFile, start: Buffer, bytes: number): Promise<Buffer | null> {
  if (bytes <= start.length) return start.subarray(0, bytes)
  const whole = Buffer.allocUnsafeSlow(bytes)
  start.copy(whole)
  const count = await file.read(whole.subarray(start.length), start.length)
  return count === bytes - start.length ? whole : null
}

async function withHead(file: DiskFile, header: RecordHeader, start: Buffer): Promise<Buffer> {
  const end = headerBytes + header.headLength
  if (end <= start.length || end > file.size()) return start
  return (await readFrom(file, start, end)) ?? start
}

async function readLarge(file: DiskFile, header: RecordHeader, head: Buffer): Promise<Loaded | Missing> {
  const table = Buffer.allocUnsafe(tableBytes(header.bodyLength))
  const tableStart = headerBytes + header.headLength + header.bodyLength
  if (file.size() !== recordBytes(header)) return DAMAGED
  const isThere = (await file.read(table, tableStart)) === table.length
  return isThere && isTableRight(header, table) ? { header, head, body: null, file, table } : DAMAGED
}

/** Header and head only, for those who look at many files; null when they cannot be had. */
export async function loadHead(
  disk: Disk,
  path: string,
): Promise<{ readonly header: RecordHeader; readonly head: Buffer } | Missing> {
  let file: DiskFile | null = null
  try {
    file = await disk.open(path)
    const start = Buffer.allocUnsafe(blockBytes / 16)
    const first = start.subarray(0, await file.read(start, 0))
    const header = readHeader(first)
    const head = header === null ? null : checkedHead(header, await withHead(file, header, first))
    return header === null || head === null ? DAMAGED : { header, head }
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? ABSENT : DAMAGED
  } finally {
    file?.close()
  }
}
