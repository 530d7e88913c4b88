import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { configDocs } from '../../../scripts/config-docs.ts'
import { configJsonSchema, type SchemaNode } from '../../../src/config/known-keys.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { problemsText } from '../../../src/config/problem-text.ts'
import { readConfig } from '../../../src/config/load.ts'
import { configSchemaText } from '../../../src/config/schema-text.ts'

const root = new URL('../../../', import.meta.url)

function read(path: string): string {
  return readFileSync(new URL(path, root), 'utf8')
}

test('docs/config.md is what `npm run docs` writes', () => {
  assert.equal(read('docs/config.md'), configDocs())
})

test('schema.json is what `npm run docs` writes', () => {
  assert.equal(read('schema.json'), configSchemaText())
})

test('every key of the config has a description', () => {
  const bare: string[] = []
  const look = (node: SchemaNode, path: string): void => {
    for (const [key, child] of Object.entries(node.properties ?? {})) {
      if (child.description === undefined) bare.push(`${path}.${key}`)
      look(child, `${path}.${key}`)
    }
    for (const child of node.anyOf ?? []) look(child, path)
    if (node.items !== undefined) look(node.items, `${path}[]`)
    if (typeof node.additionalProperties === 'object') look(node.additionalProperties, `${path}.*`)
  }
  look(configJsonSchema(), '')
  assert.deepEqual(bare, [])
})

test('every example of a part of the config is right', () => {
  for (const [key, node] of Object.entries(configJsonSchema().properties ?? {})) {
    for (const example of node.examples ?? []) {
      // Files and names that an example speaks of are not there.
      const config = { origins: { app: 'a:1' }, sites: { '*': 'app' }, [key]: example }
      const wrong = readConfig(config).problems.filter(
        ({ severity, message }) => severity === 'error' && !/does not exist|there is no origin/.test(message),
      )
      assert.deepEqual(wrong, [], key)
    }
  }
})

test('every example file is right, without a warning', async () => {
  const folder = new URL('examples/', root).pathname
  const names = readdirSync(folder).filter((name) => /\.(ts|yaml|json)$/.test(name))
  assert.ok(names.length >= 5)
  for (const name of names) {
    const loaded = await loadConfig(join(folder, name))
    assert.equal(problemsText(loaded, undefined, name), '')
    assert.notEqual(loaded.document, null)
  }
})
