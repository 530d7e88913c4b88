/**
 * The lock of a folder: which Headgate uses it. The workers of one Headgate count as one; another is refused as long
 * as that one lives. The lock is a file with its owner's mark; it may outlive the owner, and then the next one takes
 * it over.
 */
import { codeOf, type Disk } from './disk.ts'

export interface FolderOwner {
  /** The same for all workers of one Headgate, and different from any other's. */
  readonly mark: string
  /** Is the owner with this mark alive? */
  isAlive(mark: string): boolean
}

const markBytesMax = 200
/** How often to try when the lock is released and taken at the same moment. */
const triesMax = 5

/**
 * Resolves to '' when the folder is ours, else to the mark of its owner. `draft` is a path that nobody else
 * uses.
 */
export async function takeFolder(
  disk: Disk,
  root: string,
  owner: FolderOwner,
  draft: string,
): Promise<string> {
  const path = root + '/lock'
  const { mark } = owner
  let other = ''
  for (let tries = 0; tries < triesMax; tries++) {
    if (await make(disk, path, mark, draft)) return ''
    other = await readMark(disk, path)
    if (other === mark) return ''
    if (other !== '' && owner.isAlive(other)) return other
    // Whoever moves the file away takes the lock over; it may have become another file meanwhile.
    if (!(await disk.rename(path, draft).then(isDone, isNotDone))) continue
    const moved = await readMark(disk, draft)
    if (moved !== other) await disk.link(draft, path).catch(() => {})
    await disk.remove(draft).catch(() => {})
  }
  return other
}

/** False: there is one already. */
async function make(disk: Disk, path: string, mark: string, draft: string): Promise<boolean> {
  await disk.remove(draft).catch(() => {})
  const file = await disk.create(draft)
  try {
    await file.write(Buffer.from(mark), 0)
  } finally {
    file.close()
  }
  try {
    await disk.link(draft, path)
    return true
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    return false
  } finally {
    await disk.remove(draft).catch(() => {})
  }
}

/** The mark in the file; '' when it is gone, or was torn by a loss of power. */
async function readMark(disk: Disk, path: string): Promise<string> {
  try {
    const file = await disk.open(path)
    const bytes = Buffer.alloc(markBytesMax)
    const count = await file.read(bytes, 0)
    file.close()
    return bytes.toString('latin1', 0, count).replaceAll('\0', '')
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    return ''
  }
}

const isDone = (): boolean => true
const isNotDone = (): boolean => false
