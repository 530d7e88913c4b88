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
  /** Resolves to null when there is no such key. */
  read(key: string): Promise<string | null>
  write(key: string, text: string): Promise<void>
  /** It is no error when there is no such key. */
  remove(key: string): Promise<void>
  /** The whole keys directly under `folder`. */
  list(folder: string): Promise<string[]>
  /** Resolves when nobody else holds the lock. Rejects when `signal` aborts first. */
  lock(key: string, signal: AbortSignal): Promise<StorageLock>
}

export interface StorageLock {
  /** The lock was taken from us: we were believed dead. */
  readonly isLost: boolean
  release(): Promise<void>
}
