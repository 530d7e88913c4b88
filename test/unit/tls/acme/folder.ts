/** A folder that goes with its test, and waiting for what comes without a clock. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-acme-'))
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

/** Looks until it is so; gives up after long enough for a busy machine. */
export async function eventually(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 20_000
  while (!(await look())) {
    if (performance.now() > endMs) throw new Error('waited in vain: ' + what)
    await sleep(5)
  }
}
