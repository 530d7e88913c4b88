/** reload: makes a running server read its config again, over its admin listener. */
import { adminOf, adminOptions, askServer } from './admin-address.ts'
import type { Command } from './command.ts'
import { print, printError, styled, styledError } from './terminal.ts'

export const reloadCommand: Command = {
  name: 'reload',
  usage: '[--config FILE] [--admin ADDRESS]',
  summary: 'Has a running server read its config again.',
  details: [
    'It asks the admin listener that the config names ("admin"), or --admin. The file',
    'is checked here first, and again by the server: a wrong one changes nothing.',
    'Without an admin listener: kill -HUP PID, or run --watch.',
  ].join('\n'),
  options: adminOptions,
  positionalsMax: 0,
  examples: ['headgate reload', 'headgate reload --admin unix:/run/headgate/admin.sock'],
  async run(parsed) {
    const listen = await adminOf(parsed, 'name it with --admin, or use kill -HUP')
    if (listen === null) return 1
    const reply = await askServer(listen, 'POST', '/reload')
    const report = readReport(reply.text)
    if (reply.status === 200) {
      print(
        `${styled('green', 'reloaded')}${report.hash === '' ? '' : `; the config now has hash ${report.hash.slice(0, 12)}`}`,
      )
      return 0
    }
    printError(`${styledError('red', 'headgate:')} the reload was refused, the old config runs on`)
    printError(report.reason === '' ? reply.text.trim() : report.reason)
    return 1
  },
}

function readReport(text: string): { hash: string; reason: string } {
  try {
    const report = JSON.parse(text) as { hash?: unknown; reason?: unknown }
    return {
      hash: typeof report.hash === 'string' ? report.hash : '',
      reason: typeof report.reason === 'string' ? report.reason : '',
    }
  } catch {
    return { hash: '', reason: '' }
  }
}
