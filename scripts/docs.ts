/**
 * `npm run docs`: writes docs/config.md and schema.json from the schema of the config. A test fails when they are stale.
 */
import { writeFileSync } from 'node:fs'
import { configSchemaText } from '../src/config/schema-text.ts'
import { configDocs } from './config-docs.ts'

writeFileSync(new URL('../docs/config.md', import.meta.url), configDocs())
writeFileSync(new URL('../schema.json', import.meta.url), configSchemaText())
