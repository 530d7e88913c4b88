/**
 * Loading: reads and checks the file of a name. A small file is read whole and compared with its checksums before
 * anybody sees it. Of a large one the head and the table of checksums are, and its body comes block by block
 * (file-body.ts).
 */
import { blockBytes } from '../store/memory-body.ts'
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

/** There is none; or there is something that is not whole, or damaged, or cannot be read; or nobody can tell just now. */
export const ABSENT = 'absent'
export const DAMAGED = 'damaged'
export const BUSY = 'busy'
export type Missing = typeof ABSENT | typeof DAMAGED | typeof BUSY

/** What says nothing of the file: the process or the machine has no more descriptors or memory for it. */
const busyCodes: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM'])

/** Buffers of `firstBytes` that are not in use: as many as files are read at a time (finder.ts). */
const spares: Buffer[] = []
const sparesMax = 64

export async function load(disk: Disk, path: string): Promise<Loaded | Missing> {
  const first = spares.pop() ?? Buffer.allocUnsafeSlow(firstBytes)
  let file: DiskFile | null = null
  try {
    file = await disk.open(path)
    const count = await file.read(first, 0)
    const loaded = count < firstBytes ? read(first, count, false) : await drive(file, readOn(file, first))
    return kept(loaded, file)
  } catch (error) {
    file?.close()
    return missing(error)
  } finally {
    if (spares.length < sparesMax) spares.push(first)
  }
}

const firstNow = Buffer.allocUnsafeSlow(firstBytes)

/** The same, while everybody waits. The head is borrowed until the next call, and a small body is to be kept for a moment only. */
export function loadNow(disk: Disk, path: string): Loaded | Missing {
  let file: DiskFile | null = null
  try {
    file = disk.openNow(path)
    const count = file.readNow(firstNow, 0)
    const loaded = count < firstBytes ? read(firstNow, count, true) : driveNow(file, readOn(file, firstNow))
    return kept(loaded, file)
  } catch (error) {
    file?.close()
    return missing(error)
  }
}

function kept(loaded: Loaded | Missing, file: DiskFile): Loaded | Missing {
  if (typeof loaded === 'string' || loaded.file === null) file.close()
  return loaded
}

function missing(error: unknown): Missing {
  const code = codeOf(error)
  return code === 'ENOENT' ? ABSENT : busyCodes.has(code) ? BUSY : DAMAGED
}

/** What is to be read next. Who reads it says how many bytes it were. */
interface Piece {
  readonly into: Buffer
  readonly position: number
}

type Reading<T> = Generator<Piece, T, number>

async function drive<T>(file: DiskFile, reading: Reading<T>): Promise<T> {
  let step = reading.next(0)
  while (step.done !== true) step = reading.next(await file.read(step.value.into, step.value.position))
  return step.value
}

function driveNow<T>(file: DiskFile, reading: Reading<T>): T {
  let step = reading.next(0)
  while (step.done !== true) step = reading.next(file.readNow(step.value.into, step.value.position))
  return step.value
}

/** A file that is all there: its first `count` bytes. `isBorrowed`: what is made of it is used before the next one is read. */
function read(bytes: Buffer, count: number, isBorrowed: boolean): Loaded | Missing {
  const header = readHeader(bytes, count)
  const head = header === null ? null : checkedHead(header, bytes, count)
  if (header === null || head === null) return DAMAGED
  // The buffer is used again, and what is made of the head may be made later.
  const own = isBorrowed ? head : Buffer.from(head)
  if (header.kind !== ANSWER) return { header, head: own, body: null, file: null, table: null }
  if (count !== recordBytes(header)) return DAMAGED
  const { bodyLength } = header
  const bodyStart = headerBytes + header.headLength
  // One of its own costs as much as all else here, and one from Node's pool holds the pool's 8 KiB as long as it lives.
  const body = isBorrowed ? Buffer.allocUnsafe(bodyLength) : Buffer.allocUnsafeSlow(bodyLength)
  bytes.copy(body, 0, bodyStart, bodyStart + bodyLength)
  const isRight = isBodyRight(header, body, bytes, bodyStart + bodyLength)
  return isRight ? { header, head: own, body, file: null, table: null } : DAMAGED
}

/** One of which `first` has only the beginning. */
function* readOn(file: DiskFile, first: Buffer): Reading<Loaded | Missing> {
  const header = readHeader(first, first.length)
  if (header === null) return DAMAGED
  if (header.kind === ANSWER && header.bodyLength > smallBytesMax)
    return yield* readLarge(file, header, first)
  const whole = yield* readWhole(file, header, first)
  return whole === null ? DAMAGED : read(whole, whole.length, false)
}

/** All of a small file, of which `start` has been read; null when it is of another length than it says. */
function* readWhole(file: DiskFile, header: RecordHeader, start: Buffer): Reading<Buffer | null> {
  const bytes = recordBytes(header)
  if (bytes > file.size()) return null
  return yield* readTo(start, bytes)
}

function* readTo(start: Buffer, bytes: number): Reading<Buffer | null> {
  if (bytes <= start.length) return start.subarray(0, bytes)
  const whole = Buffer.allocUnsafeSlow(bytes)
  start.copy(whole)
  const count = yield { into: whole.subarray(start.length), position: start.length }
  return count === bytes - start.length ? whole : null
}

function* readHead(file: DiskFile, header: RecordHeader, start: Buffer): Reading<Buffer | null> {
  const end = headerBytes + header.headLength
  const isThere = end <= start.length || end > file.size()
  const whole = isThere ? start : ((yield* readTo(start, end)) ?? start)
  return checkedHead(header, whole, whole.length)
}

function* readLarge(file: DiskFile, header: RecordHeader, start: Buffer): Reading<Loaded | Missing> {
  const head = yield* readHead(file, header, start)
  if (head === null || file.size() !== recordBytes(header)) return DAMAGED
  const table = Buffer.allocUnsafe(tableBytes(header.bodyLength))
  const count = yield { into: table, position: headerBytes + header.headLength + header.bodyLength }
  return count === table.length && isTableRight(header, table, 0, table.length)
    ? { header, head: Buffer.from(head), body: null, file, table }
    : DAMAGED
}

export interface LoadedHead {
  readonly header: RecordHeader
  readonly head: Buffer
}

/** Header and head only, for those who look at many files. */
export async function loadHead(disk: Disk, path: string): Promise<LoadedHead | Missing> {
  let file: DiskFile | null = null
  try {
    file = await disk.open(path)
    return await drive(file, readHeadOnly(file))
  } catch (error) {
    return missing(error)
  } finally {
    file?.close()
  }
}

/** The same, while everybody waits. */
export function loadHeadNow(disk: Disk, path: string): LoadedHead | Missing {
  let file: DiskFile | null = null
  try {
    file = disk.openNow(path)
    return driveNow(file, readHeadOnly(file))
  } catch (error) {
    return missing(error)
  } finally {
    file?.close()
  }
}

function* readHeadOnly(file: DiskFile): Reading<LoadedHead | Missing> {
  const into = Buffer.allocUnsafe(blockBytes / 16)
  const start = into.subarray(0, yield { into, position: 0 })
  const header = readHeader(start, start.length)
  const head = header === null ? null : yield* readHead(file, header, start)
  return header === null || head === null ? DAMAGED : { header, head }
}
