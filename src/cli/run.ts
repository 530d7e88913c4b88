/** run: serves a config file until it is told to end. */
import { runSupervisor } from '../supervisor/run.ts'
import type { Command } from './command.ts'
import { chooseConfigFile, countProblems, loadAndTell } from './config-file.ts'
import { printError, styledError } from './terminal.ts'
import { ownVersion } from './version.ts'

export const runCommand: Command = {
  name: 'run',
  usage: '[--config FILE] [--watch] [--pidfile FILE]',
  summary: 'Serves by a config file.',
  details: [
    'Without --config it takes the first of headgate.config.{ts,js,mjs} and',
    'headgate.{yaml,yml,json} in this folder, then in /etc/headgate.',
    '',
    'HUP reloads the config: a wrong one leaves the old one running and says why.',
    'TERM or Ctrl-C finishes what is under way and ends; a second one ends at once.',
    'USR2 opens the log files anew.',
  ].join('\n'),
  options: [
    { name: 'config', short: 'c', value: 'FILE', description: 'The config file.' },
    {
      name: 'watch',
      short: 'w',
      value: '',
      description: 'Reloads when the file, or one that it imports, changes.',
    },
    { name: 'pidfile', short: '', value: 'FILE', description: 'Writes the process id to this file.' },
  ],
  // `headgate run FILE` is what one types first.
  positionalsMax: 1,
  examples: ['headgate run', 'headgate run --config edge.yaml --watch'],
  async run(parsed) {
    const file = chooseConfigFile(
      parsed.value('config') ?? parsed.positionals[0],
      'do without: headgate proxy --from :8080 --to http://127.0.0.1:3000',
    )
    if (file === null) return 1
    const loaded = await loadAndTell(file)
    if (loaded.document === null) {
      printError(`${styledError('red', 'headgate:')} ${countProblems(loaded)}; nothing was started`)
      return 1
    }
    const pidfile = parsed.value('pidfile')
    const code = await runSupervisor({
      configPath: loaded.file,
      watch: parsed.has('watch'),
      version: ownVersion(),
      ...(pidfile === undefined ? {} : { pidfile }),
    })
    return process.exit(code)
  },
}
