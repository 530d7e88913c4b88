/** check: tells whether a config file is right, and what it says. */
import type { ConfigDocument } from '../config/document.ts'
import { loadConfig, type LoadedConfig } from '../config/load.ts'
import { machineProblems } from '../config/machine.ts'
import { pathText } from '../config/problem.ts'
import type { Command } from './command.ts'
import { UsageError } from './command.ts'
import { chooseConfigFile, countProblems, shownFile, tellProblems } from './config-file.ts'
import { print, printError, styled, styledError } from './terminal.ts'

export const checkCommand: Command = {
  name: 'check',
  usage: '[FILE] [--json]',
  summary: 'Checks a config file and says what is wrong with it.',
  details: [
    'Exit code 0: it is right (there may be warnings); 1: it is wrong. Certificates, keys and',
    'error pages are read, as a start would. Warnings tell of folders for logs, sockets, the',
    'cache and certificates that this user could not write: ask as the user that will run it.',
  ].join('\n'),
  options: [
    { name: 'config', short: 'c', value: 'FILE', description: 'The config file; the same as FILE.' },
    {
      name: 'json',
      short: '',
      value: '',
      description: 'Prints the result as JSON, for editors and scripts.',
    },
  ],
  positionalsMax: 1,
  examples: ['headgate check', 'headgate check edge.yaml --json'],
  async run(parsed) {
    const named = parsed.positionals[0]
    if (named !== undefined && parsed.has('config'))
      throw new UsageError('FILE and --config are the same; name one')
    const file = chooseConfigFile(named ?? parsed.value('config'))
    if (file === null) return 1
    const loaded = await loadConfig(file, machineProblems)
    if (parsed.has('json')) print(JSON.stringify(report(loaded), null, 2))
    else tell(loaded)
    return loaded.document === null ? 1 : 0
  },
}

function report(loaded: LoadedConfig): object {
  return {
    file: loaded.file,
    isRight: loaded.document !== null,
    problems: loaded.problems.map(({ path, severity, message, position }) => ({
      severity,
      path: pathText(path),
      message,
      line: position?.line ?? null,
      column: position?.column ?? null,
    })),
  }
}

function tell(loaded: LoadedConfig): void {
  tellProblems(loaded)
  const counts = countProblems(loaded)
  if (loaded.document === null) printError(`\n${styledError('red', shownFile(loaded.file))}: ${counts}`)
  else
    print(
      `${styled('green', shownFile(loaded.file))} is right${counts === '' ? '' : `, with ${counts}`}: ${summary(loaded.document)}`,
    )
}

function summary(document: ConfigDocument): string {
  const routes = Object.values(document.sites).flat()
  // A route may name the address of a server instead of an origin.
  const origins = new Set([...Object.keys(document.origins), ...routes.flatMap(({ origin }) => origin ?? [])])
  const listeners = document.listeners.map((listener) => listener.name).join(', ')
  return [
    `listens on ${listeners}`,
    counted(Object.keys(document.sites).length, 'site'),
    counted(routes.length, 'route'),
    counted(origins.size, 'origin'),
    ...(document.tls.acme === undefined
      ? []
      : [`certificates from ${new URL(document.tls.acme.directory).host}`]),
  ].join('; ')
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}
