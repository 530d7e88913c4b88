/** The commands, in the order of the help. Each is loaded only when it is called, so that `version` is quick. */
import type { Command } from './command.ts'

export interface CommandEntry {
  readonly name: string
  readonly summary: string
  load(): Promise<Command>
}

export const commands: readonly CommandEntry[] = [
  {
    name: 'run',
    summary: 'Serves by a config file.',
    load: async () => (await import('./run.ts')).runCommand,
  },
  {
    name: 'proxy',
    summary: 'Stands in front of one origin, without a config file.',
    load: async () => (await import('./proxy.ts')).proxyCommand,
  },
  {
    name: 'check',
    summary: 'Checks a config file and says what is wrong with it.',
    load: async () => (await import('./check.ts')).checkCommand,
  },
  {
    name: 'explain',
    summary: 'Tells what would happen to a request, and why.',
    load: async () => (await import('./explain.ts')).explainCommand,
  },
  {
    name: 'reload',
    summary: 'Has a running server read its config again.',
    load: async () => (await import('./reload.ts')).reloadCommand,
  },
  {
    name: 'purge',
    summary: 'Throws answers out of the cache of a running server.',
    load: async () => (await import('./purge.ts')).purgeCommand,
  },
  {
    name: 'warm',
    summary: 'Fetches URLs into the cache of a running server.',
    load: async () => (await import('./warm.ts')).warmCommand,
  },
  {
    name: 'cert',
    summary: 'Lists or renews the certificates of a running server.',
    load: async () => (await import('./cert.ts')).certCommand,
  },
  {
    name: 'trust',
    summary: 'Has this machine trust the local authority of certificates.',
    load: async () => (await import('./trust.ts')).trustCommand,
  },
  {
    name: 'schema',
    summary: 'Prints the JSON Schema of the config.',
    load: async () => (await import('./schema.ts')).schemaCommand,
  },
  {
    name: 'demo',
    summary: 'Shows Headgate at work, with three small origins and a page.',
    load: async () => (await import('./demo.ts')).demoCommand,
  },
  {
    name: 'version',
    summary: 'Prints the version.',
    load: async () => (await import('./version.ts')).versionCommand,
  },
]
