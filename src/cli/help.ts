/** The help of the program and of each command. */
import { globalOptions } from './arguments.ts'
import type { Command, Option } from './command.ts'
import { columns, print, styled } from './terminal.ts'

export function printHelp(commands: readonly { readonly name: string; readonly summary: string }[]): void {
  print(`${styled('bold', 'headgate')}: an edge server that stands in front of your origins\n`)
  print(`${styled('bold', 'Usage')}\n  headgate COMMAND [options]\n`)
  print(styled('bold', 'Commands'))
  print(columns(commands.map(({ name, summary }) => [name, summary])))
  print(`\n${styled('bold', 'Begin')}`)
  print('  headgate proxy --from :8080 --to http://127.0.0.1:3000')
  print('  headgate check && headgate run\n')
  print('`headgate COMMAND --help` tells more. The config: docs/config.md')
}

export function printCommandHelp(command: Command): void {
  print(`${command.summary}\n`)
  print(`${styled('bold', 'Usage')}\n  ${usageLine(command)}\n`)
  if (command.details !== '') print(`${command.details}\n`)
  print(styled('bold', 'Options'))
  print(
    columns([...command.options, ...globalOptions].map((option) => [optionText(option), option.description])),
  )
  if (command.examples.length === 0) return
  print(`\n${styled('bold', 'Examples')}`)
  for (const example of command.examples) print(`  ${example}`)
}

export function usageLine(command: Command): string {
  return `headgate ${command.name}${command.usage === '' ? '' : ` ${command.usage}`}`
}

function optionText({ name, short, value, isMany }: Option): string {
  const head = short === '' ? `    --${name}` : `-${short}, --${name}`
  return head + (value === '' ? '' : ` ${value}`) + (isMany === true ? ' …' : '')
}
