/**
 * FileDisk: Node's file system as a Disk. Descriptors are plain numbers and calls take callbacks: a FileHandle costs a
 * finaliser and several promises for each file.
 */
import * as fs from 'node:fs'
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
      if (more === 0) break
      count += more
    }
    return count
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

async function openBy(path: string, flags: string): Promise<DiskFile> {
  return new OpenFile(await promised<number>((done) => fs.open(path, flags, 0o600, done)))
}

export const fileDisk: Disk = {
  open: (path) => openBy(path, 'r+'),
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
