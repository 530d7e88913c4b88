/**
 * The command line: finds the command, reads its options, runs it and exits with its code: 0 success, 1 failure, 64 a
 * command line that makes no sense (EX_USAGE). `run` has more, see docs/operations.md.
 */
import { didYouMean } from '../core/nearest.ts'
import { exitFailedStart, exitUsage } from '../supervisor/exit-codes.ts'
import { parseCommandLine } from './arguments.ts'
import { UsageError, type Command } from './command.ts'
import { commands as ownCommands, type CommandEntry } from './commands.ts'
import { makeHelpCommand } from './help-command.ts'
import { printCommandHelp, printHelp, usageLine } from './help.ts'
import { printError, styledError } from './terminal.ts'

const commands: readonly CommandEntry[] = [
  ...ownCommands,
  {
    name: 'help',
    summary: 'Shows help, also for a command: headgate help run.',
    load: async () => makeHelpCommand(commands),
  },
]

/** Runs a command line and ends the process. */
export async function main(args: readonly string[]): Promise<void> {
  // With `headgate explain … | head`, a reader that has gone is no reason for a stack trace.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitFailedStart)
  })
  process.exitCode = await runCommandLine(args)
}

/** Resolves to the exit code; everything has been printed by then. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  // This must precede the first coloured word. Node reads the variable each time.
  if (args.includes('--no-color')) process.env['NO_COLOR'] = '1'
  const [first, ...rest] = args
  if (first === undefined || first === '--help' || first === '-h' || first === '--no-color') {
    printHelp(commands)
    return 0
  }
  const name = first === '--version' || first === '-v' || first === '-V' ? 'version' : first
  const entry = commands.find((command) => command.name === name)
  if (entry === undefined) {
    const names = commands.map((command) => command.name)
    const what = name.startsWith('-') ? 'option' : 'command'
    printError(`${styledError('red', 'headgate:')} unknown ${what} "${name}"${didYouMean(name, names)}`)
    printError('  headgate --help lists the commands')
    return exitUsage
  }
  return runCommand(await entry.load(), rest)
}

async function runCommand(command: Command, args: readonly string[]): Promise<number> {
  try {
    const parsed = parseCommandLine(command, args)
    if (parsed.has('help')) {
      printCommandHelp(command)
      return 0
    }
    return await command.run(parsed)
  } catch (error) {
    if (error instanceof UsageError) {
      printError(`${styledError('red', 'headgate:')} ${error.message}`)
      printError(`  usage: ${usageLine(command)}`)
      return exitUsage
    }
    const message = error instanceof Error ? error.message : 'it failed'
    printError(`${styledError('red', 'headgate:')} ${message}`)
    return exitFailedStart
  }
}
