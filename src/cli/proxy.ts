/**
 * proxy: stands in front of one origin without a config file. What the command line says is turned into a config and
 * run as one.
 */
import type { HeadgateConfig } from '../config/document.ts'
import { readConfig } from '../config/load.ts'
import { parseServerUrl } from '../origin/server-url.ts'
import { runSupervisor } from '../supervisor/run.ts'
import { UsageError, type Command, type Parsed } from './command.ts'
import { readFields } from './fields.ts'
import { printError, styledError } from './terminal.ts'
import { ownVersion } from './version.ts'

export const proxyCommand: Command = {
  name: 'proxy',
  usage: '[--from ADDRESS] --to SERVER…',
  summary: 'Stands in front of one origin, without a config file.',
  details: 'WebSocket works; X-Forwarded-For, -Host and -Proto tell the origin about the client.',
  options: [
    {
      name: 'from',
      short: 'f',
      value: 'ADDRESS',
      isMany: true,
      description: 'Where to listen: ":8080" (the default), "127.0.0.1:8080", "unix:/path".',
    },
    {
      name: 'to',
      short: 't',
      value: 'SERVER',
      isMany: true,
      description: 'The origin: "http://host:port", "host:port", "unix:/path". Several share the requests.',
    },
    {
      name: 'header',
      short: 'H',
      value: "'NAME: VALUE'",
      isMany: true,
      description:
        'Sets a field of the request, with variables such as {client_ip}; without a value it is removed.',
    },
    {
      name: 'header-down',
      short: 'd',
      value: "'NAME: VALUE'",
      isMany: true,
      description: 'Sets a field of the answer; without a value it is removed.',
    },
    {
      name: 'change-host-header',
      short: 'c',
      value: '',
      description: "The origin sees its own name as Host, not the client's.",
    },
    { name: 'access-log', short: '', value: '', description: 'Prints a line for each request.' },
    {
      name: 'workers',
      short: '',
      value: 'N',
      description: 'Worker processes; 1 by default, "auto" is one for each core.',
    },
    { name: 'verbose', short: 'v', value: '', description: 'Tells more of what happens.' },
  ],
  positionalsMax: 64,
  examples: [
    'headgate proxy --from :8080 --to http://127.0.0.1:3000',
    'headgate proxy --to 10.0.0.11:3000 --to 10.0.0.12:3000 --access-log',
    "headgate proxy --to unix:/run/app.sock -H 'X-Client: {client_ip}'",
  ],
  async run(parsed) {
    const document = proxyConfig(parsed)
    const { problems } = readConfig(document)
    const wrong = problems.find((problem) => problem.severity === 'error')
    if (wrong !== undefined) throw new UsageError(`${optionOf(wrong.path)}: ${wrong.message}`)
    for (const { path, message } of problems)
      printError(styledError('yellow', `warning: ${optionOf(path)}: ${message}`))
    return process.exit(await runSupervisor({ document, version: ownVersion() }))
  },
}

/** The config that a command line stands for. */
export function proxyConfig(parsed: Parsed): HeadgateConfig {
  // `--to a b` is two servers.
  const servers = [...parsed.values('to'), ...parsed.positionals]
  if (servers.length === 0) throw new UsageError('--to is missing: which server does it stand in front of?')
  for (const server of servers) {
    const read = parseServerUrl(server)
    if (typeof read === 'string') throw new UsageError(`--to: ${read}`)
  }
  const up = readFields(parsed.values('header'), '--header')
  const host = up.find(({ name }) => name.toLowerCase() === 'host')?.value
  if (host !== undefined && parsed.has('change-host-header')) {
    throw new UsageError('--header Host and --change-host-header contradict each other')
  }
  const hostHeader = host ?? (parsed.has('change-host-header') ? 'origin' : 'client')
  return {
    listeners: parsed.has('from') ? [...parsed.values('from')] : [':8080'],
    origins: { app: { servers, hostHeader } },
    sites: {
      '*': {
        headers: {
          request: edits(up.filter(({ name }) => name.toLowerCase() !== 'host')),
          response: edits(readFields(parsed.values('header-down'), '--header-down')),
        },
        origin: 'app',
      },
    },
    workers: workersOf(parsed.value('workers')),
    log: {
      access: parsed.has('access-log') ? 'combined' : false,
      level: parsed.has('verbose') ? 'debug' : 'info',
    },
  }
}

function workersOf(text: string | undefined): number | 'auto' {
  if (text === undefined) return 1
  if (text === 'auto') return text
  if (!/^[1-9]\d{0,3}$/.test(text))
    throw new UsageError(`--workers ${text}: a number from 1, or "auto", is expected`)
  return Number(text)
}

interface EditsConfig {
  set: Record<string, string>
  remove: string[]
}

function edits(fields: readonly { readonly name: string; readonly value: string }[]): EditsConfig {
  const set: Record<string, string> = {}
  const remove: string[] = []
  for (const { name, value } of fields) {
    if (value === '') remove.push(name)
    else set[name] = value
  }
  return { set, remove }
}

/** The option that a place of the config came from. */
function optionOf(path: readonly (string | number)[]): string {
  if (path[0] === 'listeners') return '--from'
  if (path.includes('hostHeader')) return '--header Host'
  if (path.includes('request')) return '--header'
  if (path.includes('response')) return '--header-down'
  return path[0] === 'workers' ? '--workers' : '--to'
}
