import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import {
  ConfigError,
  findConfigFile,
  loadConfig,
  readConfig,
  requireDocument,
  type LoadedConfig,
} from '../../../src/config/load.ts'
import { problemsText } from '../../../src/config/problem-text.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-load-'))
after(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

async function load(name: string, text: string): Promise<LoadedConfig> {
  return loadConfig(file(name, text))
}

function text(loaded: LoadedConfig): string {
  return problemsText(loaded, undefined, 'F')
}

test('YAML, JSON, JSON with comments and modules say the same', async () => {
  const yaml = await load('a.yaml', "sites:\n  '*': 127.0.0.1:3000\n")
  const json = await load('a.json', '{ "sites": { "*": "127.0.0.1:3000" } }')
  const jsonc = await load('b.json', '\uFEFF{ // a\n\t"sites": { "*": "127.0.0.1:3000", }, /* b\n */ }')
  const js = await load('a.config.mjs', "export default { sites: { '*': '127.0.0.1:3000' } }")
  const ts = await load(
    'a.config.ts',
    "import { defineConfig, type HeadgateConfig } from 'headgate'\nconst sites: HeadgateConfig['sites'] = { '*': '127.0.0.1:3000' }\nexport default defineConfig({ sites })\n",
  )
  for (const loaded of [yaml, json, jsonc, js, ts]) {
    assert.equal(text(loaded), '')
    assert.deepEqual(loaded.document, yaml.document)
  }
})

test('a comment or a comma in a string of JSON is text', async () => {
  const loaded = await load(
    'c.json',
    '{ "sites": { "*": { "respond": { "body": "a // b, } /* c */ \\" ,]" } } } }',
  )
  assert.equal(text(loaded), '')
  assert.equal(loaded.document?.sites['*']?.[0]?.respond?.body, 'a // b, } /* c */ " ,]')
})

test('a config may be a function or a promise', async () => {
  for (const value of [
    "async () => ({ sites: { '*': { respond: 404 } } })",
    "Promise.resolve({ sites: { '*': { respond: 404 } } })",
  ]) {
    const loaded = await load('f.config.mjs', `export default ${value}`)
    assert.equal(loaded.document?.sites['*']?.length, 1)
  }
})

test('a changed module is read anew, with what it imports', async () => {
  const config = "import { status } from './part.mjs'\nexport default { sites: { '*': { respond: status } } }"
  file('part.mjs', 'export const status = 404')
  const path = file('p.config.mjs', config)
  const first = await loadConfig(path)
  assert.deepEqual(first.files, [path, join(folder, 'part.mjs')])
  assert.equal(first.document?.sites['*']?.[0]?.respond?.status, 404)
  file('part.mjs', 'export const status = 410')
  assert.equal((await loadConfig(path)).document?.sites['*']?.[0]?.respond?.status, 410)
})

function answering(status: string): string {
  return `{ sites: { '*': { respond: ${status} } } }`
}

test('a module is one also where the package.json beside it says commonjs, and CommonJS stays what it is', async () => {
  mkdirSync(join(folder, 'common'))
  file('common/package.json', '{ "type": "commonjs" }')
  file('common/old.js', 'module.exports = { status: 410 }')
  file('common/new.ts', 'export const status: number = 404\n')
  const imports =
    "import { defineConfig } from 'headgate'\nimport old from './old.js'\nimport { status } from './new.ts'\n"
  for (const name of ['common/a.config.ts', 'common/a.config.js']) {
    const loaded = await load(
      name,
      `${imports}\nexport default defineConfig(${answering('old.status + status - 404')})`,
    )
    assert.equal(text(loaded), '', name)
    assert.equal(loaded.document?.sites['*']?.[0]?.respond?.status, 410, name)
  }
  const common = await load(
    'common/b.config.js',
    `module.exports = ${answering("require('./old.js').status")}`,
  )
  assert.equal(text(common), '')
})

test('a mistake in YAML is told with line, column and a mark', async () => {
  const loaded = await load('m.yaml', "sites:\n  '*':\n    - match: /a\n      redirct: /b\n")
  assert.equal(
    text(loaded),
    `F:4:7: sites["*"][0].redirct: unknown key "redirct"; did you mean "redirect"?
    4 |       redirct: /b
      |       ^^^^^^^`,
  )
})

test('a value is marked at the value, a missing one at what lacks it', async () => {
  const value = await load('v.yaml', "drainTimeout: soon\nsites: { '*': { respond: 404 } }\n")
  assert.match(text(value), /^F:1:15: drainTimeout: .*\n {4}1 \| drainTimeout: soon\n {6}\| {15}\^\^\^\^$/)
  const missing = await load('w.yaml', "sites: { '*': { redirect: { status: 301 } } }\n")
  assert.match(text(missing), /^F:1:17: sites\["\*"\]\.redirect\.to: it is missing; text is expected/)
})

test('a mistake in JSON is told at its place in the text as written, tabs included', async () => {
  const loaded = await load('m.json', '{\n\t// comment\n\t"sites": { "*": { "redirct": "/x" } }\n}')
  assert.match(text(loaded), /^F:3:20: sites\["\*"\]\.redirct: /)
  assert.match(text(loaded), /\n {6}\| \t {18}\^{9}$/)
})

test('of a mistake in each of a thousand sites two hundred are shown, errors first, and the rest counted', async () => {
  const bad = Array.from({ length: 1000 }, (_, i) => `  s${i}.example: { origin: app${i}, cahce: true }\n`)
  const origins = Array.from({ length: 300 }, (_, i) => `  unused${i}: 127.0.0.1:1\n`)
  const loaded = await load('many.yaml', `origins:\n${origins.join('')}sites:\n${bad.join('')}`)
  assert.equal(loaded.document, null)
  assert.equal(loaded.problems.length, 201)
  assert.ok(loaded.problems.every(({ severity }) => severity === 'error'))
  assert.match(text(loaded), /F: there are 2100 more problems, which are not shown$/)
})

test('what is no JSON or YAML is told with its place', async () => {
  assert.match(
    text(await load('x.json', '{\n  "a": 1\n  "b": 2\n}')),
    /^F:3:3: not JSON: "," or "}" is expected/,
  )
  assert.match(text(await load('y.json', '{ "a": 1, "a": 2 }')), /^F:1:11: this key stands twice/)
  assert.match(
    text(await load('e.json', '{ "b": [{ "a": ":", "\\u0061" : 2 }] }')),
    /^F:1:21: this key stands twice/,
  )
  assert.match(text(await load('m.json', '{ "<<": 1, "<<": 2 }')), /^F:1:12: this key stands twice/)
  assert.match(text(await load('x.yaml', 'a: 1\na: 2\n')), /^F:2:1: this key stands twice/)
  assert.match(text(await load('y.yaml', 'a: [1\n')), /^F:2:1: /)
  assert.match(text(await load('z.yaml', 'a: *b\n')), /Unresolved alias/)
})

test('aliases of YAML stand for what they name, and cannot be a bomb', async () => {
  const loaded = await load('alias.yaml', "x: &r\n  - { respnd: 404 }\nsites:\n  '*': *r\n")
  assert.match(text(loaded), /F:4:8: sites\["\*"\]\[0\]\.respnd|F:2:7: sites\["\*"\]\[0\]\.respnd/)
  const lines = ['a0: &a0 [x]']
  for (let i = 1; i < 12; i++) lines.push(`a${i}: &a${i} [${`*a${i - 1},`.repeat(9)}]`)
  assert.match(text(await load('bomb.yaml', lines.join('\n'))), /Excessive alias count/)
})

test('an empty file is a config that says nothing', async () => {
  for (const name of ['e.yaml', 'e.json'])
    assert.match(text(await load(name, '\n')), /^F: warning: sites: there is no site/)
})

test('a module that fails is told with its reason, and the line where it is known', async () => {
  assert.match(text(await load('n.config.mjs', 'export const a = 1')), /no default export/)
  assert.match(
    text(await load('t.config.mjs', "\nthrow new Error('no database')")),
    /^F: no database \(line 2\)$/,
  )
  assert.match(
    text(await load('i.config.mjs', "import './nowhere.mjs'\nexport default {}")),
    /Cannot find module .*nowhere\.mjs/,
  )
  assert.match(text(await load('s.config.mjs', 'export default {')), /SyntaxError/)
  const imported = file('part.ts', '\nexport const port = 3001x\n')
  assert.equal(
    text(await load('p.config.ts', "import { port } from './part.ts'\nexport default { listeners: port }")),
    `F: SyntaxError: Identifier cannot follow number (${imported}, line 2)`,
  )
})

test('a mistake in a module is told with its line when the key stands once', async () => {
  const module = "export default {\n  sites: { '*': { redirct: '/' } },\n}"
  assert.match(text(await load('l.config.mjs', module)), /^F:2:19: sites\["\*"\]\.redirct:/)
  const twice = "// redirct\nexport default {\n  sites: { '*': { redirct: '/' } },\n}"
  assert.match(text(await load('k.config.mjs', twice)), /^F: sites\["\*"\]\.redirct:/)
})

test('a file that is not there, a folder and an unknown kind are told', async () => {
  assert.equal(text(await loadConfig(join(folder, 'nope.yaml'))), 'F: it does not exist')
  assert.equal(text(await loadConfig(folder)), 'F: it is a folder')
  assert.match(text(await load('a.toml', '')), /the kind is unknown/)
})

test('error pages are read from the folder of the config, and are files to watch', async () => {
  const page = file('404.html', 'x')
  const good = await load('g.yaml', "sites: { '*': { respond: 404 } }\nerrorPages: { 404: ./404.html }\n")
  assert.equal(text(good), '')
  assert.deepEqual(good.files, [join(folder, 'g.yaml'), page])
  const bad = await load(
    'h.yaml',
    "sites: { '*': { respond: 404 } }\nerrorPages: { 5xx: ./nope.html, 404: ./a.exe }\n",
  )
  assert.match(text(bad), /F:2:20: errorPages\["5xx"\]: .*nope\.html does not exist/)
  assert.match(text(bad), /F:2:38: errorPages\["404"\]: .*a\.exe: the kind is unknown/)
})

test('the config file is found in the order of the docs', () => {
  const place = join(folder, 'find')
  mkdirSync(place)
  assert.notEqual(findConfigFile(place), join(place, 'headgate.yaml'))
  writeFileSync(join(place, 'headgate.yaml'), '')
  assert.equal(findConfigFile(place), join(place, 'headgate.yaml'))
  writeFileSync(join(place, 'headgate.config.ts'), '')
  assert.equal(findConfigFile(place), join(place, 'headgate.config.ts'))
})

test('a wrong object is an error that tells every mistake', () => {
  const loaded = readConfig({ sites: { '*': { respond: 99 } }, drainTimeout: 'soon' })
  assert.equal(readConfig(loaded), loaded)
  assert.throws(
    () => requireDocument(loaded),
    (error) =>
      error instanceof ConfigError && /respond/.test(error.message) && /drainTimeout/.test(error.message),
  )
})

test('what was loaded is plain data', async () => {
  const loaded = await load('plain.yaml', "sites: { '*': { respnd: 404 } }\n")
  assert.deepEqual(structuredClone(loaded), loaded)
})
