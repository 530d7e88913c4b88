/**
 * SimDisk: a disk in memory that keeps no more promises than a real one. A loss of power forgets any subset of what was not
 * synced: whole writes, pages of them, parts of a page, and changes of names, each by itself; calls may fail with ENOSPC
 * or EIO, in whole or half done. Calls take effect at moments that a seed chooses.
 */
import type { Disk, DiskFile, DiskKind } from '../../src/cache/disk/disk.ts'
import type { Random } from './random.ts'

const pageBytes = 4096
const sectorBytes = 512

interface Write {
  readonly position: number
  readonly bytes: Buffer
}

/** What a name stands for. */
class Inode {
  durable: Buffer = Buffer.alloc(0)
  current: Buffer = Buffer.alloc(0)
  unsynced: Write[] = []

  write(bytes: Buffer, position: number): void {
    this.current = written(this.current, bytes, position)
    this.unsynced.push({ position, bytes })
  }
}

function written(content: Buffer, bytes: Buffer, position: number): Buffer {
  const end = position + bytes.length
  const grown =
    content.length >= end
      ? Buffer.from(content)
      : Buffer.concat([content, Buffer.alloc(end - content.length)])
  bytes.copy(grown, position)
  return grown
}

interface NameChange {
  readonly folder: string
  /** path → what it stands for from then on; null: nothing. A rename is two at once. */
  readonly changes: ReadonlyMap<string, Inode | null>
}

export interface SimDiskOptions {
  readonly random: Random
  /** Of a hundred calls, how many fail. */
  readonly failures?: number
  /** Bytes of all files, beyond which writes fail with ENOSPC. */
  readonly bytesMax?: number
  /** Damages what is read, now and then. */
  readonly flips?: number
  /** Of a hundred calls that are waited for on the spot, how many take long. */
  readonly slow?: number
  readonly isRemote?: boolean
  /** Promises of which it keeps none: for mutants. */
  readonly forgetsSync?: boolean
}

export class SimDisk implements Disk {
  readonly #options: SimDiskOptions
  readonly #durable = new Map<string, Inode>()
  #current = new Map<string, Inode>()
  readonly #folders = new Set<string>()
  #unsynced: NameChange[] = []
  /** Raised by a loss of power: files that were open are no more. */
  #life = 0
  failures: number
  /** Calls that have not ended. */
  underWay = 0
  #nowMs = 0
  #slowCalls = 0

  constructor(options: SimDiskOptions) {
    this.#options = options
    this.failures = options.failures ?? 0
  }

  get bytes(): number {
    let bytes = 0
    for (const inode of new Set(this.#current.values())) bytes += inode.current.length
    return bytes
  }

  paths(): string[] {
    return [...this.#current.keys()]
  }

  /** What a name stands for now, to be looked at or damaged. */
  contentOf(path: string): Buffer | undefined {
    return this.#current.get(path)?.current
  }

  /** Any subset of what was not synced is lost; nothing that was begun before goes on. */
  losePower(): void {
    const { random } = this.#options
    this.#life++
    for (const { changes } of this.#unsynced) {
      // A rename that moves a name is one change; within one folder or across, a journaling file system keeps it whole.
      if (random.chance(0.5)) continue
      for (const [path, inode] of changes) setName(this.#durable, path, inode)
    }
    this.#unsynced = []
    for (const inode of new Set([...this.#durable.values(), ...this.#current.values()])) this.#tear(inode)
    this.#current = new Map(this.#durable)
  }

  /** The process is killed: nothing that it has begun goes on, and what it wrote is there. */
  kill(): void {
    this.#life++
  }

  #tear(inode: Inode): void {
    const { random } = this.#options
    let content = inode.durable
    for (const { position, bytes } of inode.unsynced) {
      if (random.chance(0.3)) continue
      const isTorn = random.chance(0.4)
      for (let at = 0; at < bytes.length;) {
        const piece = isTorn && random.chance(0.3) ? sectorBytes : pageBytes
        const end = Math.min(bytes.length, at + piece)
        // The file may have grown though its bytes were not written.
        const isLost = isTorn && random.chance(0.4)
        const part = isLost ? Buffer.alloc(end - at) : bytes.subarray(at, end)
        if (!isLost || random.chance(0.5)) content = written(content, part, position + at)
        at = end
      }
    }
    inode.durable = inode.current = content
    inode.unsynced = []
  }

  // Calls

  async #call<T>(work: () => T, mayFail = true): Promise<T> {
    const { random } = this.#options
    const life = this.#life
    this.underWay++
    try {
      for (let turns = random.between(0, 5); turns > 0; turns--) await Promise.resolve()
      if (life !== this.#life) throw failure('EIO')
      if (mayFail && this.failures > 0 && random.chance(this.failures / 100))
        throw failure(random.chance(0.5) ? 'EIO' : 'ENOSPC')
      const result = work()
      for (let turns = random.between(0, 2); turns > 0; turns--) await Promise.resolve()
      if (life !== this.#life) throw failure('EIO')
      return result
    } finally {
      this.underWay--
    }
  }

  /** As `#call`, for who waits on the spot. */
  #callNow<T>(work: () => T): T {
    const { random, slow = 0 } = this.#options
    this.#nowMs += 0.01
    if (random.chance(slow / 100)) {
      this.#nowMs += random.between(1, 20)
      this.#slowCalls++
    }
    if (this.failures > 0 && random.chance(this.failures / 100)) throw failure('EIO')
    return work()
  }

  nowMs(): number {
    return this.#nowMs
  }

  deviceReads(): number {
    return this.#slowCalls
  }

  async kindOf(): Promise<DiskKind> {
    return { isLocal: this.#options.isRemote !== true, isCounted: true }
  }

  #find(path: string): Inode {
    const inode = this.#current.get(path)
    if (inode === undefined) throw failure('ENOENT')
    return inode
  }

  #change(folder: string, changes: ReadonlyMap<string, Inode | null>): void {
    if (!this.#folders.has(folder)) throw failure('ENOENT')
    for (const [path, inode] of changes) setName(this.#current, path, inode)
    this.#unsynced.push({ folder, changes })
  }

  #fileOf(inode: Inode): DiskFile {
    const options = this.#options
    const life = this.#life
    const alive = (): void => {
      if (life !== this.#life) throw failure('EIO')
    }
    const hasRoom = (count: number): boolean => this.bytes + count <= (options.bytesMax ?? Infinity)
    const write = (bytes: Buffer, position: () => number): Promise<void> =>
      this.#call(() => {
        alive()
        const { random } = options
        if (hasRoom(bytes.length)) return inode.write(bytes, position())
        inode.write(bytes.subarray(0, random.between(0, bytes.length - 1)), position())
        throw failure('ENOSPC')
      })
    const read = (into: Uint8Array, position: number): number => {
      alive()
      const count = inode.current.copy(into, 0, position)
      const { random, flips = 0 } = options
      if (count > 0 && random.chance(flips / 100)) {
        const at = random.between(0, count - 1)
        into[at] = (into[at] as number) ^ 0x10
      }
      return count
    }
    return {
      size: () => {
        alive()
        if (this.failures > 0 && options.random.chance(this.failures / 500)) throw failure('EIO')
        return inode.current.length
      },
      read: (into, position) => this.#call(() => read(into, position)),
      readNow: (into, position) => this.#callNow(() => read(into, position)),
      write: (bytes, position) => write(Buffer.from(bytes), () => position),
      append: (bytes) => write(Buffer.from(bytes), () => inode.current.length),
      sync: () =>
        this.#call(() => {
          alive()
          if (options.forgetsSync === true) return
          inode.durable = inode.current
          inode.unsynced = []
        }),
      close: () => {},
    }
  }

  open(path: string): Promise<DiskFile> {
    return this.#call(() => this.#fileOf(this.#find(path)))
  }

  openNow(path: string): DiskFile {
    return this.#callNow(() => this.#fileOf(this.#find(path)))
  }

  create(path: string): Promise<DiskFile> {
    return this.#call(() => {
      if (this.#current.has(path)) throw failure('EEXIST')
      const inode = new Inode()
      this.#change(folderOf(path), new Map([[path, inode]]))
      return this.#fileOf(inode)
    })
  }

  openLog(path: string): Promise<DiskFile> {
    return this.#call(() => {
      const there = this.#current.get(path)
      if (there !== undefined) return this.#fileOf(there)
      const inode = new Inode()
      this.#change(folderOf(path), new Map([[path, inode]]))
      return this.#fileOf(inode)
    })
  }

  rename(from: string, to: string): Promise<void> {
    return this.#call(() => {
      const inode = this.#find(from)
      this.#change(
        folderOf(to),
        new Map<string, Inode | null>([
          [to, inode],
          [from, null],
        ]),
      )
    })
  }

  link(from: string, to: string): Promise<void> {
    return this.#call(() => {
      if (this.#current.has(to)) throw failure('EEXIST')
      this.#change(folderOf(to), new Map([[to, this.#find(from)]]))
    })
  }

  remove(path: string): Promise<void> {
    return this.#call(() => {
      this.#find(path)
      this.#change(folderOf(path), new Map([[path, null]]))
    })
  }

  makeFolder(path: string): Promise<void> {
    return this.#call(() => void this.#folders.add(path))
  }

  list(path: string): Promise<string[]> {
    return this.#call(() => {
      if (!this.#folders.has(path)) throw failure('ENOENT')
      const names = [...this.#current.keys()].filter((each) => folderOf(each) === path)
      return names.map((each) => each.slice(path.length + 1))
    })
  }

  sizeOf(path: string): Promise<number> {
    return this.#call(() => this.#find(path).current.length)
  }

  syncFolder(path: string): Promise<void> {
    return this.#call(() => {
      if (!this.#folders.has(path)) throw failure('ENOENT')
      if (this.#options.forgetsSync === true) return
      const mine = this.#unsynced.filter(({ folder }) => folder === path)
      for (const { changes } of mine) for (const [name, inode] of changes) setName(this.#durable, name, inode)
      this.#unsynced = this.#unsynced.filter((change) => !mine.includes(change))
    })
  }
}

function setName(names: Map<string, Inode>, path: string, inode: Inode | null): void {
  if (inode === null) names.delete(path)
  else names.set(path, inode)
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

/** Without a stack: thousands are made, and nobody reads where. */
function failure(code: string): Error {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  const error = Object.assign(new Error(code), { code })
  Error.stackTraceLimit = stackTraceLimit
  return error
}
