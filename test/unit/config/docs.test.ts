import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
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

test('every example of a key of the config is right', () => {
  const wrong: string[] = []
  const look = (node: SchemaNode, path: readonly (string | number)[]): void => {
    for (const example of path.length === 0 ? [] : (node.examples ?? [])) {
      const problems = readConfig(configWith(path, example)).problems.filter(
        (problem) =>
          problem.severity === 'error' &&
          path.every((key, i) => problem.path[i] === key) &&
          // Files, names and captures that an example speaks of are not there.
          !/does not exist|there is no origin|is never set/.test(problem.message),
      )
      for (const { message } of problems)
        wrong.push(`${path.join('.')}: ${JSON.stringify(example)}: ${message}`)
    }
    for (const [key, child] of Object.entries(node.properties ?? {})) look(child, [...path, key])
    for (const child of node.anyOf ?? []) look(child, path)
    if (node.items !== undefined) look(node.items, [...path, 0])
    if (typeof node.additionalProperties === 'object') look(node.additionalProperties, [...path, 'a.example'])
  }
  look(configJsonSchema(), [])
  assert.deepEqual(wrong, [])
})

/** A config with `value` at `path`. What else it lacks is told at other places. */
function configWith(path: readonly (string | number)[], value: unknown): object {
  const config: Holder = { origins: { app: 'a:1' }, sites: { '*': 'app' } }
  let at = config
  for (const [i, key] of path.slice(0, -1).entries()) {
    const inner: Holder = typeof path[i + 1] === 'number' ? ([] as unknown as Holder) : {}
    at[key] = inner
    at = inner
  }
  at[path.at(-1) as string] = value
  return config
}

type Holder = Record<string | number, unknown>

test('every config in the documents is right', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-docs-'))
  try {
    const pages = ['README.md', ...readdirSync(new URL('docs', root)).map((name) => `docs/${name}`)]
    const wrong: string[] = []
    for (const page of pages.filter((name) => name.endsWith('.md'))) {
      for (const [, kind = '', text = ''] of read(page).matchAll(/^```(yaml|json)\n([^]*?)^```$/gm)) {
        if (text.includes('scrape_configs')) continue
        const file = join(folder, `snippet.${kind}`)
        writeFileSync(file, text)
        for (const { severity, message } of (await loadConfig(file)).problems)
          // Files are not there; config.md shows single keys, without the origins that they name.
          if (severity === 'error' && !/does not exist|there is no origin/.test(message))
            wrong.push(`${page}: ${message}`)
      }
    }
    assert.deepEqual(wrong, [])
  } finally {
    rmSync(folder, { recursive: true })
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
