/** version: prints our version, and what it runs on. */
import { readFileSync } from 'node:fs'
import type { Command } from './command.ts'
import { print } from './terminal.ts'

/** The version in package.json, which is two folders up from here in the checkout as in the package. */
export function ownVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

export const versionCommand: Command = {
  name: 'version',
  usage: '',
  summary: 'Prints the version.',
  details: '',
  options: [],
  positionalsMax: 0,
  examples: [],
  async run() {
    print(`headgate ${ownVersion()} (Node ${process.versions.node}, ${process.platform} ${process.arch})`)
    return 0
  },
}
