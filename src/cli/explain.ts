/**
 * explain: tells what would happen to a request, and why. The config is compiled as the server would compile it, the
 * request is read by the same reader, and every step is asked what it would do. Nothing is sent and nothing is
 * listened on.
 */
import { isIP } from 'node:net'
import type { RequestToExplain } from '../admin/explain-body.ts'
import { explainRequest, type Explanation } from '../server/explanation.ts'
import { adminOf, askServer } from './admin-address.ts'
import { chooseConfigFile, loadAndTell } from './config-file.ts'
import { UsageError, type Command, type Parsed } from './command.ts'
import { readFields, type FieldOption } from './fields.ts'
import { print, styled } from './terminal.ts'

export const explainCommand: Command = {
  name: 'explain',
  usage: "[METHOD] URL [-H 'NAME: VALUE'] [--client IP] [--live] [--json]",
  summary: 'Tells what would happen to a request, and why.',
  details: [
    'Nothing is sent to an origin. Exit code 1: the request would be refused.',
    'With --live the running server is asked: it also knows what its cache has stored,',
    'and for how long it stays fresh.',
  ].join('\n'),
  options: [
    { name: 'config', short: 'c', value: 'FILE', description: 'The config file.' },
    {
      name: 'header',
      short: 'H',
      value: "'NAME: VALUE'",
      isMany: true,
      description: 'A field of the request.',
    },
    {
      name: 'client',
      short: '',
      value: 'IP',
      description: 'The address that the request comes from; 192.0.2.1 by default.',
    },
    { name: 'live', short: '', value: '', description: 'Asks the running server.' },
    {
      name: 'admin',
      short: '',
      value: 'ADDRESS',
      description: 'With --live: its admin listener, when the config is not at hand.',
    },
    { name: 'json', short: '', value: '', description: 'Prints the explanation as JSON.' },
  ],
  positionalsMax: 2,
  examples: [
    'headgate explain http://www.example.com/img/a.png',
    "headgate explain POST http://localhost/api -H 'Cookie: user=joe' --client 10.1.2.3",
  ],
  async run(parsed) {
    const request = readRequest(parsed)
    if (parsed.has('live') || parsed.has('admin')) return explainLive(parsed, request)
    const file = chooseConfigFile(
      parsed.value('config'),
      'ask the running server: --admin unix:/run/headgate/admin.sock',
    )
    if (file === null) return 1
    const loaded = await loadAndTell(file)
    if (loaded.document === null) return 1
    const explanation = explainRequest(loaded, request)
    if (parsed.has('json')) print(JSON.stringify(explanation, null, 2))
    else tell(explanation)
    const lacks = explanation.tls.some((line) => line.includes('no certificate'))
    if (!parsed.has('json') && (lacks || explanation.steps.some(({ name }) => name === 'cache')))
      print(
        '\nFrom the config alone: which certificates came by themselves, what is stored, and which servers answer, ' +
          'the running server tells: --live',
      )
    return explanation.refusal === null ? 0 : 1
  },
}

/** Each process tells; what the first one has told is not told again. */
async function explainLive(parsed: Parsed, request: RequestToExplain): Promise<number> {
  const listen = await adminOf(parsed, 'name it with --admin')
  if (listen === null) return 1
  const reply = await askServer(listen, 'POST', '/explain', JSON.stringify(request))
  if (reply.status !== 200) throw new Error(`the server says ${reply.status}: ${reply.text.trim()}`)
  if (parsed.has('json')) print(reply.text.trim())
  const { processes } = JSON.parse(reply.text) as { processes: { pid: number; explanation: Explanation }[] }
  const [first, ...others] = processes
  if (first === undefined) throw new Error('no worker answers')
  if (!parsed.has('json')) {
    tell(first.explanation)
    for (const { pid, explanation } of others) tellCache(pid, explanation)
  }
  return first.explanation.refusal === null ? 0 : 1
}

/** Processes have the same config, and each its own cache. */
function tellCache(pid: number, { steps }: Explanation): void {
  const cache = steps.find(({ name }) => name === 'cache')
  if (cache === undefined) return
  print(`\nin the cache of process ${pid}:`)
  section('cache', cache.says)
}

function readRequest(parsed: Parsed): RequestToExplain {
  const { positionals } = parsed
  const text = positionals.at(-1)
  if (text === undefined)
    throw new UsageError('the URL is missing, as in: headgate explain GET http://localhost/')
  const method = positionals.length === 2 ? (positionals[0] as string) : 'GET'
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method)) throw new UsageError(`"${method}" is not a method`)
  const client = parsed.value('client') ?? '192.0.2.1'
  if (isIP(client) === 0) throw new UsageError(`--client ${client}: an IP address is expected`)
  const fields = readFields(parsed.values('header'), '--header')
  return { method, client, ...readUrl(text, fields), fields }
}

/** Read by hand: `new URL` would normalise what the server must see as it is. */
function readUrl(
  text: string,
  fields: readonly FieldOption[],
): { scheme: string; authority: string; target: string } {
  const host = fields.find(({ name }) => name.toLowerCase() === 'host')?.value
  if (text.startsWith('/') || text === '*')
    return { scheme: 'http', authority: host ?? 'localhost', target: text }
  const match = /^(?:(https?):\/\/)?([^/?#\s]+)([/?][^#\s]*)?(?:#.*)?$/i.exec(text)
  if (match === null) throw new UsageError(`"${text}" is not a URL of http or https`)
  const target = match[3] ?? '/'
  return {
    scheme: (match[1] ?? 'http').toLowerCase(),
    authority: host ?? (match[2] as string),
    target: target.startsWith('?') ? '/' + target : target,
  }
}

function tell(explanation: Explanation): void {
  const { request, tls, routing, steps, sent, refusal, route } = explanation
  print(`${styled('bold', `${request.method} ${request.url}`)} from ${request.client}\n`)
  if (tls.length > 0) section('tls', tls)
  if (routing.length > 0) section('routing', routing)
  for (const { name, says } of steps) section(name, says)
  if (sent !== null) {
    section('sent', [
      `${sent.method} ${sent.target} HTTP/1.1`,
      ...aligned(sent.fields),
      `to ${sent.server ?? 'nobody: no server is available'}`,
    ])
  }
  if (refusal !== null) {
    print(`\n${styled('red', `answered ${refusal.status}`)}: ${refusal.sentence} (${refusal.fault})`)
  } else if (route !== null) print(`\n${styled('green', 'taken')} by ${route}`)
}

const labelWidth = 10

function section(label: string, lines: readonly string[]): void {
  const shown = lines.length === 0 ? ['changes nothing'] : lines
  for (const [i, line] of shown.entries()) {
    const shownLabel = i === 0 ? styled('cyan', label.padEnd(labelWidth)) : ' '.repeat(labelWidth)
    print(`${shownLabel} ${line}`)
  }
}

function aligned(fields: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...fields.map(([name]) => name.length + 1))
  return fields.map(([name, value]) => `${`${name}:`.padEnd(width)} ${value}`)
}
