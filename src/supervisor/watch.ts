/**
 * `--watch`: tells when the content of the config file is another one. The folder is watched and not the file, because
 * editors write a new file and rename it, and Kubernetes swaps a link; and the content decides, because one save makes
 * several events and touching a file changes nothing.
 */
import { createHash } from 'node:crypto'
import { readFileSync, watch } from 'node:fs'
import { dirname } from 'node:path'

/** Editors write in several steps. */
const quietMs = 200

/** Watches until the function returned is called. Throws when the folder cannot be watched. */
export function watchFile(path: string, onChange: () => void): () => void {
  let known = contentHash(path)
  let timer: NodeJS.Timeout | null = null
  const look = (): void => {
    timer = null
    const now = contentHash(path)
    // '' while it is being replaced: the event of its return follows.
    if (now === '' || now === known) return
    known = now
    onChange()
  }
  const watcher = watch(dirname(path), { persistent: false }, () => {
    if (timer !== null) clearTimeout(timer)
    timer = setTimeout(look, quietMs)
  })
  watcher.on('error', () => {})
  return () => {
    watcher.close()
    if (timer !== null) clearTimeout(timer)
  }
}

/** '' when the file cannot be read. */
function contentHash(path: string): string {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex')
  } catch {
    return ''
  }
}
