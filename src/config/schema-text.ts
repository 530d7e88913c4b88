/** The JSON Schema of the config as a text: for `schema.json` and `headgate schema`. */
import { configJsonSchema } from './known-keys.ts'

export function configSchemaText(): string {
  const { $schema, ...rest } = configJsonSchema() as { $schema?: string } & object
  const schema = {
    $schema,
    title: 'Headgate config',
    description: 'What headgate.yaml, headgate.json and headgate.config.ts may say. See docs/config.md.',
    ...rest,
  }
  return JSON.stringify(schema, null, 2) + '\n'
}
