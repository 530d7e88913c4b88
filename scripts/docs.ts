/**
 * `npm run docs`: writes docs/config.md and schema.json from the schema of the config, and the tables of
 * docs/operations.md from those of the code. A test fails when they are stale.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { configSchemaText } from '../src/config/schema-text.ts'
import { configDocs } from './config-docs.ts'
import { operationsDocs } from './operations-docs.ts'

writeFileSync(new URL('../docs/config.md', import.meta.url), configDocs())
writeFileSync(new URL('../schema.json', import.meta.url), configSchemaText())

const operations = new URL('../docs/operations.md', import.meta.url)
writeFileSync(operations, operationsDocs(readFileSync(operations, 'utf8')))
