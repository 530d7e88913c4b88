/**
 * FileDisk: Node's file system as a Disk. Descriptors are plain numbers and calls take callbacks: a FileHandle would
 * cost a finaliser and several promises per file.
 */
import * as fs from 'node:fs'
import { performance } from 'node:perf_hooks'
import type { Disk, DiskFile } from './disk.ts'

type Done<T> = (error: Error | null, value?: T) => void

function promised<T>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error === null || error === undefined) resolve(value as T)
      else reject(error)
    })
  })
}

class OpenFile implements DiskFile {
  readonly #descriptor: number
  #isClosed = false
  #isWritten = false

  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  size(): number {
    return fs.fstatSync(this.#descriptor).size
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    let count = 0
    while (count < into.length) {
      const more = await promised<number>((done) =>
        fs.read(this.#descriptor, into, count, into.length - count, position + count, done),
      )
      count += more
      // To be told by a further read that there is no more takes another way through the thread pool.
      if (more === 0 || position + count >= this.size()) break
    }
    return count
  }

  /** Linux gives less of a file in this machine than was asked for only where it ends. */
  readNow(into: Uint8Array, position: number): number {
    return fs.readSync(this.#descriptor, into, 0, into.length, position)
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    this.#isWritten = true
    for (let count = 0; count < bytes.length;) {
      count += await promised<number>((done) =>
        fs.write(this.#descriptor, bytes, count, bytes.length - count, position + count, done),
      )
    }
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#isWritten = true
    const count = await promised<number>((done) =>
      fs.write(this.#descriptor, bytes, 0, bytes.length, null, done),
    )
    if (count < bytes.length) throw Object.assign(new Error('only a part was written'), { code: 'ENOSPC' })
  }

  sync(): Promise<void> {
    return promised((done) => fs.fdatasync(this.#descriptor, done))
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    // Of a file that was only read nothing waits for the device, and a way through the thread pool costs ten times as much.
    if (this.#isWritten) fs.close(this.#descriptor, () => {})
    else closeAtOnce(this.#descriptor)
  }
}

/** Whatever is wrong with it is of no interest any more. */
function closeAtOnce(descriptor: number): void {
  try {
    fs.closeSync(descriptor)
  } catch {}
}

/** Of file systems whose files are, or may be, in another machine (statfs(2)): 9p, AFS, Ceph, FUSE, GFS2, Lustre, NFS, SMB. */
const networkTypes: ReadonlySet<number> = new Set([
  0x01021997, 0x5346414f, 0x00c36400, 0x65735546, 0x01161970, 0x0bd00bd0, 0x6969, 0x517b, 0xff534d42,
  0xfe534d42,
])

/** Which read a device in the name of who wants it: Btrfs, ext2 to ext4, F2FS, overlays, tmpfs, XFS. */
const countedTypes: ReadonlySet<number> = new Set([
  0x9123683e, 0xef53, 0xf2f52010, 0x794c7630, 0x01021994, 0x58465342,
])

async function openBy(path: string, flags: string): Promise<DiskFile> {
  return new OpenFile(await promised<number>((done) => fs.open(path, flags, 0o600, done)))
}

export const fileDisk: Disk = {
  open: (path) => openBy(path, 'r+'),
  openNow: (path) => new OpenFile(fs.openSync(path, fs.constants.O_RDONLY)),
  nowMs: () => performance.now(),
  deviceReads: () => process.resourceUsage().fsRead,
  async kindOf(path) {
    const { type } = await promised<fs.StatsFs>((done) => fs.statfs(path, done))
    return { isLocal: !networkTypes.has(type), isCounted: countedTypes.has(type) }
  },
  create: (path) => openBy(path, 'wx+'),
  openLog: (path) => openBy(path, 'a+'),
  rename: (from, to) => promised((done) => fs.rename(from, to, done)),
  link: (from, to) => promised((done) => fs.link(from, to, done)),
  remove: (path) => promised((done) => fs.unlink(path, done)),
  async makeFolder(path) {
    await promised((done) => fs.mkdir(path, { recursive: true, mode: 0o700 }, done))
  },
  list: (path) => promised((done) => fs.readdir(path, done)),
  async sizeOf(path) {
    return (await promised<fs.Stats>((done) => fs.stat(path, done))).size
  },
  async syncFolder(path) {
    const descriptor = await promised<number>((done) => fs.open(path, 'r', done))
    try {
      await promised((done) => fs.fsync(descriptor, done))
    } finally {
      fs.close(descriptor, () => {})
    }
  },
}
