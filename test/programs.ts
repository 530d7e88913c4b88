/**
 * Which programs are installed, for tests that need a real peer:
 * `test('…', { skip: needs('nginx') }, …)` is skipped by name where nginx is not there.
 */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Debian keeps servers where a user's PATH does not look. */
const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/usr/bin']

/** The whole path of an installed program, '' when it is not there. */
export function findProgram(name: string): string {
  for (const folder of folders) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      continue
    }
  }
  return ''
}

/** False when all `programs` are there; else the reason for skipping, which names those that are not. */
export function needs(...programs: string[]): string | false {
  const missing = programs.filter((program) => findProgram(program) === '')
  return missing.length > 0 && `needs ${missing.join(', ')}: not installed`
}

/**
 * The arguments with which Chromium runs without a screen, by itself and silently; add `--user-data-dir` (a fresh
 * folder) and what it shall do.
 */
export const chromiumArguments: readonly string[] = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
