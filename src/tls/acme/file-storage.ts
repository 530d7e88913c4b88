/**
 * Storage in a folder. Files are 0600 and folders 0700, since private keys are among them. A file is written beside
 * its place, synced, and renamed into it, so a crash leaves the old or the new one.
 *
 *     acme/CA/accounts/ID.json           key and URL of an account
 *     acme/CA/certificates/NAME.pem      private key, then the chain: one file, so that they always belong together
 *     acme/CA/certificates/NAME.json     when it will be renewed, and what failed lately
 *     local/root.pem, local/root.crt     the local authority: with its key, and the certificate alone
 *     local/certificates/NAME.pem        what it signed
 *     locks/…                            who is working on what
 *
 * `CA` is made from the directory's URL; `*.` in a NAME is written `wildcard.`.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { FileLock } from './file-lock.ts'
import type { Storage, StorageLock } from './storage.ts'

const fileMode = 0o600
const folderMode = 0o700

export class FileStorage implements Storage {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  async read(key: string): Promise<string | null> {
    try {
      return await readFile(this.#path(key), 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
  }

  async write(key: string, text: string): Promise<void> {
    const path = this.#path(key)
    await makeFolder(dirname(path))
    const beside = `${path}.${randomBytes(6).toString('hex')}.new`
    try {
      const file = await open(beside, 'wx', fileMode)
      try {
        await file.writeFile(text)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(beside, path)
    } catch (error) {
      await rm(beside, { force: true })
      throw error
    }
  }

  async remove(key: string): Promise<void> {
    await rm(this.#path(key), { force: true })
  }

  async list(folder: string): Promise<string[]> {
    try {
      const names = await readdir(this.#path(folder))
      return names.filter((name) => !name.endsWith('.new')).map((name) => `${folder}/${name}`)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  }

  async lock(key: string, signal: AbortSignal): Promise<StorageLock> {
    const path = this.#path(`locks/${key}.lock`)
    await makeFolder(dirname(path))
    return FileLock.take(path, signal)
  }

  /** Keys come from names that were checked; none may lead out of the folder all the same. */
  #path(key: string): string {
    if (key.split('/').some((part) => part === '' || part === '.' || part === '..' || part.includes('\0')))
      throw new Error(`"${key}" is not a key of the storage`)
    return join(this.folder, key)
  }
}

/** Throws a sentence that names the place in the config. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: folderMode })
  } catch (error) {
    const { message } = error as Error
    throw new Error(`the folder of certificates ("tls.storage") cannot be written: ${message}`, {
      cause: error,
    })
  }
}
