/** Parses the command line by a command's options. An unknown option is refused with the nearest right one. */
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { didYouMean } from '../core/nearest.ts'
import { UsageError, type Command, type Option, type Parsed } from './command.ts'

/** Understood by every command. */
export const globalOptions: readonly Option[] = [
  { name: 'help', short: 'h', value: '', description: 'Shows this help.' },
  { name: 'no-color', short: '', value: '', description: 'No colours; the variable NO_COLOR says the same.' },
]

export function parseCommandLine(command: Command, args: readonly string[]): Parsed {
  const options = [...command.options, ...globalOptions]
  const config: NonNullable<ParseArgsConfig['options']> = {}
  for (const { name, short, value } of options) {
    const type = value === '' ? 'boolean' : 'string'
    config[name] = { type, multiple: true, ...(short === '' ? {} : { short }) }
  }
  // Not strict: the tokens are checked here, so that the messages are ours.
  const { tokens } = parseArgs({ args: [...args], options: config, strict: false, tokens: true })
  const values = new Map<string, string[]>()
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    else if (token.kind === 'option') readOption(token, options, values)
  }
  if (positionals.length > command.positionalsMax && !values.has('help')) {
    throw new UsageError(`"${positionals[command.positionalsMax] ?? ''}" is one argument too many`)
  }
  return {
    positionals,
    has: (name) => values.has(name),
    value: (name) => values.get(name)?.at(-1),
    values: (name) => values.get(name) ?? [],
  }
}

interface OptionToken {
  readonly name: string
  readonly rawName: string
  readonly value?: string | undefined
  readonly inlineValue?: boolean | undefined
}

function readOption(token: OptionToken, options: readonly Option[], values: Map<string, string[]>): void {
  const { name, rawName, value } = token
  const option = options.find((known) => known.name === name)
  if (option === undefined) {
    const names = options.map((known) => `--${known.name}`)
    throw new UsageError(`unknown option ${rawName}${didYouMean(rawName, names)}`)
  }
  if (option.value === '') {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value`)
    values.set(name, [])
    return
  }
  if (value === undefined || value === '')
    throw new UsageError(`${rawName} needs a value: ${rawName} ${option.value}`)
  const before = values.get(name)
  if (before === undefined) values.set(name, [value])
  else if (option.isMany === true) before.push(value)
  else throw new UsageError(`${rawName} stands twice`)
}
