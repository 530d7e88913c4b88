/** help: prints the help of the program, or of one command. */
import { didYouMean } from '../core/nearest.ts'
import { UsageError, type Command } from './command.ts'
import type { CommandEntry } from './commands.ts'
import { printCommandHelp, printHelp } from './help.ts'

export function makeHelpCommand(commands: readonly CommandEntry[]): Command {
  return {
    name: 'help',
    usage: '[COMMAND]',
    summary: 'Shows help, also for a command.',
    details: '',
    options: [],
    positionalsMax: 1,
    examples: ['headgate help run'],
    async run(parsed) {
      const [name] = parsed.positionals
      if (name === undefined) {
        printHelp(commands)
        return 0
      }
      const entry = commands.find((command) => command.name === name)
      if (entry === undefined) {
        const names = commands.map((command) => command.name)
        throw new UsageError(`there is no command "${name}"${didYouMean(name, names)}`)
      }
      printCommandHelp(await entry.load())
      return 0
    },
  }
}
