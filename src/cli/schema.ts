/** schema: prints the JSON Schema of the config, for editors. */
import { configSchemaText } from '../config/schema-text.ts'
import type { Command } from './command.ts'

export const schemaCommand: Command = {
  name: 'schema',
  usage: '',
  summary: 'Prints the JSON Schema of the config.',
  details: [
    'In headgate.yaml the first line names it for editors:',
    '  # yaml-language-server: $schema=./schema.json',
    'In headgate.json: "$schema": "./schema.json"',
  ].join('\n'),
  options: [],
  positionalsMax: 0,
  examples: ['headgate schema > schema.json'],
  async run() {
    process.stdout.write(configSchemaText())
    return 0
  },
}
