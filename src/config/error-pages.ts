/**
 * The operator's error pages: read when the config is compiled, served from memory.
 */
import { readFileSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { whyUnread } from '../core/file-errors.ts'
import type { ErrorPages } from '../engine/plan.ts'

/** An error page that takes longer to send than to read about is a mistake. */
export const pageBytesMax = 1024 * 1024

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.htm': 'text/html; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.json': 'application/json',
  '.xml': 'application/xml',
  '.svg': 'image/svg+xml',
}

interface Page {
  readonly body: Buffer
  readonly contentType: string
}

export class ErrorPageSet implements ErrorPages {
  readonly #byStatus = new Map<number, Page>()
  readonly #byClass = new Map<number, Page>()
  /** Files that were read, for watching. */
  readonly files: string[] = []
  /** Key of `errorPages` and what is wrong with its file. */
  readonly problems: { readonly key: string; readonly message: string }[] = []

  constructor(pages: Readonly<Partial<Record<string, string>>>, baseDirectory: string) {
    for (const [key, name] of Object.entries(pages)) {
      if (name === undefined) continue
      const file = resolve(baseDirectory, name)
      const page = readPage(file)
      this.files.push(file)
      if (typeof page === 'string') this.problems.push({ key, message: page })
      else if (key.endsWith('xx')) this.#byClass.set(Number(key[0]), page)
      else this.#byStatus.set(Number(key), page)
    }
  }

  find(status: number): Page | null {
    return this.#byStatus.get(status) ?? this.#byClass.get(Math.floor(status / 100)) ?? null
  }

  /** All that is in them, for the hash of the config. */
  *contents(): Generator<Buffer> {
    for (const page of this.#byStatus.values()) yield page.body
    for (const page of this.#byClass.values()) yield page.body
  }
}

function readPage(file: string): Page | string {
  const contentType = contentTypes[extname(file).toLowerCase()]
  if (contentType === undefined)
    return `${file}: the kind is unknown; use ${Object.keys(contentTypes).join(', ')}`
  try {
    const body = readFileSync(file)
    return body.length > pageBytesMax
      ? `${file} has ${body.length} bytes; at most 1 MiB`
      : { body, contentType }
  } catch (error) {
    return `${file} ${whyUnread(error)}`
  }
}
