/**
 * explain: what would happen to a request, and why. The config is compiled as the server would, the request read by the
 * same reader, and every step asked what it would do. Nothing is sent and nothing is listened on.
 */
import { isIP } from 'node:net'
import { explainRequest, type Explanation, type RequestToExplain } from './explanation.ts'
import { chooseConfigFile, loadAndTell } from './config-file.ts'
import { UsageError, type Command, type Parsed } from './command.ts'
import { readFields, type FieldOption } from './fields.ts'
import { print, styled } from './terminal.ts'

export const explainCommand: Command = {
  name: 'explain',
  usage: "[METHOD] URL [-H 'NAME: VALUE'] [--client IP] [--json]",
  summary: 'Tells what would happen to a request, and why.',
  details: 'Nothing is sent. Exit code 1: the request would be refused.',
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
    { name: 'json', short: '', value: '', description: 'Prints the explanation as JSON.' },
  ],
  positionalsMax: 2,
  examples: [
    'headgate explain http://www.example.com/img/a.png',
    "headgate explain POST http://localhost/api -H 'Cookie: user=joe' --client 10.1.2.3",
  ],
  async run(parsed) {
    const request = readRequest(parsed)
    const file = chooseConfigFile(parsed.value('config'))
    if (file === null) return 1
    const loaded = await loadAndTell(file)
    if (loaded.document === null) return 1
    const explanation = explainRequest(loaded, request)
    if (parsed.has('json')) print(JSON.stringify(explanation, null, 2))
    else tell(explanation)
    return explanation.refusal === null ? 0 : 1
  },
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
  const { request, routing, steps, sent, refusal, route } = explanation
  print(`${styled('bold', `${request.method} ${request.url}`)} from ${request.client}\n`)
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
