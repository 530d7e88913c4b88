/** cert: shows which certificate a running server has for each name, and renews them now. */
import type { AdminReply } from '../admin/client.ts'
import { adminOf, adminOptions, askServer } from './admin-address.ts'
import { UsageError, type Command } from './command.ts'
import { print, printError, styled, styledError } from './terminal.ts'

interface Listed {
  readonly name: string
  readonly state: string
  readonly issuer: string
  readonly isOnDemand: boolean
  readonly notAfter: string
  readonly renewAt: string
  readonly nextTry: string
  readonly failures: number
  readonly lastError: string
}

export const certCommand: Command = {
  name: 'cert',
  usage: 'ls | renew [NAME…]',
  summary: 'Lists or renews the certificates of a running server.',
  details: [
    'ls shows each name, until when its certificate is good, when it will be renewed, and',
    'what went wrong last. renew orders new ones now, for all names when none is given; the',
    'old ones are served until then. It does not wait: look with ls, or in the errors log.',
  ].join('\n'),
  options: [
    { name: 'json', short: '', value: '', description: 'Prints the answer as JSON.' },
    ...adminOptions,
  ],
  positionalsMax: 1000,
  examples: ['headgate cert ls', 'headgate cert renew www.example.com'],
  async run(parsed) {
    const [what, ...names] = parsed.positionals
    if (what !== 'ls' && what !== 'renew') throw new UsageError('"cert" is followed by "ls" or "renew"')
    if (what === 'ls' && names.length > 0) throw new UsageError('"cert ls" takes no names')
    const listen = await adminOf(parsed)
    if (listen === null) return 1
    const reply = await (what === 'ls'
      ? askServer(listen, 'GET', '/certificates')
      : askServer(listen, 'POST', '/certificates/renew', JSON.stringify({ names })))
    if (reply.status !== 200) {
      printError(`${styledError('red', 'headgate:')} ${errorOf(reply)}`)
      return 1
    }
    if (parsed.has('json')) print(reply.text.trim())
    else if (what === 'ls') list(reply)
    else return renewed(reply, names)
    return 0
  },
}

function list(reply: AdminReply): void {
  const { certificates } = JSON.parse(reply.text) as { certificates: readonly Listed[] }
  if (certificates.length === 0) return print('no name has its certificate by itself: see tls.acme')
  const rows = certificates.map((one) => [one.name, one.state, until(one), day(one.renewAt), one.issuer])
  const head = ['NAME', 'STATE', 'GOOD UNTIL', 'RENEWED FROM', 'ISSUER']
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  print(styled('dim', line(head)))
  for (const [i, row] of rows.entries()) {
    print(line(row))
    const { failures, lastError, nextTry } = certificates[i] as Listed
    if (failures > 0) print(styled('red', `  ${failures} failed: ${lastError}; next try ${nextTry}`))
  }
}

function until({ notAfter }: Listed): string {
  if (notAfter === '') return '-'
  const days = (Date.parse(notAfter) - Date.now()) / 86_400_000
  const left = days < 2 ? `${Math.max(0, days * 24).toFixed(0)} h` : `${days.toFixed(0)} days`
  return `${day(notAfter)} (${left})`
}

function day(iso: string): string {
  return iso === '' ? '-' : iso.slice(0, 16).replace('T', ' ')
}

function renewed(reply: AdminReply, names: readonly string[]): number {
  const { renewing } = JSON.parse(reply.text) as { renewing: readonly string[] }
  for (const name of renewing) print(`${styled('green', 'ordered')} a new certificate for ${name}`)
  const unknown = names.filter((name) => !renewing.includes(name))
  for (const name of unknown)
    printError(`${styledError('red', 'headgate:')} no certificate is kept for ${name}`)
  if (names.length === 0 && renewing.length === 0) printError('no name has its certificate by itself')
  return unknown.length > 0 ? 1 : 0
}

function errorOf({ text, status }: AdminReply): string {
  try {
    const { error } = JSON.parse(text) as { error?: string }
    return error ?? `the server answered ${status}`
  } catch {
    return `the server answered ${status}`
  }
}
