/**
 * The program of one process of `npm test`: `test-files.ts FILE…` runs test files one after the other, each as a suite by its path,
 * so that its `before` and `after` are its own. The next is loaded when the one before is over and has closed what it opened. When
 * that takes longer than `closingMs`, the process comes to its end without those that are left, if it can: else it is seen to hang.
 */
import { after, before, suite } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

const closingMs = 2000

const files = process.argv.slice(2)
for (const [index, file] of files.entries()) {
  const openBefore = openByKind()
  await runFile(file)
  if (index < files.length - 1 && !(await isClosed(openBefore))) break
}

function runFile(file: string): Promise<void> {
  return new Promise((resolve) => {
    suite(file, async () => {
      before(untilTold)
      try {
        await import(pathToFileURL(file).href)
      } finally {
        // Of several the last: behind those of the file.
        after(() => resolve())
      }
    })
  })
}

/** Whether there is no more open than `openBefore`. */
async function isClosed(openBefore: ReadonlyMap<string, number>): Promise<boolean> {
  await untilTold()
  const endMs = performance.now() + closingMs
  while ([...openByKind()].some(([kind, count]) => count > (openBefore.get(kind) ?? 0))) {
    if (performance.now() > endMs) return false
    await sleep(10)
  }
  return true
}

/** Turns in which events leave the process, before a file can block or end it. */
async function untilTold(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await sleep(0)
}

/** What may keep the process alive. */
function openByKind(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts
}
