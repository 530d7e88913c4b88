/**
 * Storage: where accounts, certificates and their state survive restarts. It is the seam behind which a store shared
 * by machines can stand; `file-storage.ts` is the one on disk.
 *
 * A key is a path of parts joined by '/', such as 'acme/ca.example/certificates/www.example.com.pem'.
 *
 * Promises of every implementation: what is read was written whole; what was written is there after a crash; of
 * several that want a lock, one has it, and a holder that died loses it.
 */
export interface Storage {
  /** null: it is not there. */
  read(key: string): Promise<string | null>
  write(key: string, text: string): Promise<void>
  /** No error when it is not there. */
  remove(key: string): Promise<void>
  /** Keys right under `folder`, whole. */
  list(folder: string): Promise<string[]>
  /** Resolves when nobody else holds it. Rejects when `signal` aborts first. */
  lock(key: string, signal: AbortSignal): Promise<StorageLock>
}

export interface StorageLock {
  /** It was taken away: we were believed dead. */
  readonly isLost: boolean
  release(): Promise<void>
}
