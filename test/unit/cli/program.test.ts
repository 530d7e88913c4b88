import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { configSchemaText } from '../../../src/config/schema-text.ts'
import { commandLine, headgate } from './command-line.ts'
import { folder, here } from './config-folder.ts'

test('version tells ours and that of Node', async () => {
  const words = await headgate(['version'])
  for (const told of [words, await commandLine(['--version']), await commandLine(['-v'])]) {
    const { code, out } = told
    assert.equal(code, 0)
    assert.match(out, /^headgate \d+\.\d+\.\d+ \(Node \d+\.\d+\.\d+, \w+ \w+\)\n$/)
  }
})

test('an unknown command or option is 64, with the nearest', async () => {
  const command = await headgate(['chek'])
  assert.deepEqual([command.code, command.out], [64, ''])
  assert.match(command.err, /unknown command "chek"; did you mean "check"\?/)
  const option = await commandLine(['run', '--confg', 'x'])
  assert.equal(option.code, 64)
  assert.match(option.err, /unknown option --confg; did you mean "--config"\?\n {2}usage: headgate run/)
})

test('check says what a right config says, and 0', async () => {
  const { code, out, err } = await commandLine(['check', 'good.yaml'], here)
  assert.deepEqual(
    [code, out, err],
    [0, 'good.yaml is right: listens on :8080; 1 site; 2 routes; 1 origin\n', ''],
  )
})

test('check counts a server that a route names as an origin, once', async () => {
  const sites = "sites: { a.example: 'http://10.0.0.1:80', b.example: 'http://10.0.0.1:80' }"
  writeFileSync(join(folder, 'named.yaml'), sites)
  assert.match((await commandLine(['check', 'named.yaml'], here)).out, /; 2 sites; 2 routes; 1 origin\n$/)
})

test('check says what is wrong, where, and what was meant, and 1', async () => {
  const { code, out, err } = await headgate(['check', 'bad.yaml'], here)
  assert.deepEqual([code, out], [1, ''])
  assert.match(
    err,
    /^bad\.yaml:5:24: sites\["www\.example\.com"\]\[0\]\.redirct: unknown key "redirct"; did you mean "redirect"\?\n/,
  )
  assert.match(err, /\n {6}\| {24}\^{7}\n/)
})

test('check --json tells the same to programs', async () => {
  const { code, out } = await commandLine(['check', 'bad.yaml', '--json'], here)
  const report = JSON.parse(out) as {
    isRight: boolean
    problems: { line: number; column: number; path: string }[]
  }
  assert.equal(code, 1)
  assert.equal(report.isRight, false)
  assert.deepEqual([report.problems[0]?.line, report.problems[0]?.column], [5, 24])
})

test('run with a wrong config starts nothing, says why, and 1', async () => {
  const { code, err } = await headgate(['run', '--config', 'bad.yaml'], here)
  assert.equal(code, 1)
  assert.match(err, /did you mean "redirect"/)
  assert.match(err, /1 error; nothing was started/)
})

test('proxy tells what is doubtful, too: here that it stands in front of itself', async () => {
  const path = `unix:${join(folder, 'no-folder', 'a.sock')}`
  const { code, err } = await headgate(['proxy', '--from', path, '--to', path])
  assert.equal(code, 1)
  assert.match(err, /^warning: --to: unix:.*a\.sock is a listener of this server .* answered 508\n/)
  assert.match(err, /its folder does not exist; make it \(mkdir -p /)
})

test('without a config file it is told where one was looked for', async () => {
  const empty = mkdtempSync(join(tmpdir(), 'headgate-empty-'))
  try {
    const { code, err } = await commandLine(['run'], { cwd: empty })
    assert.equal(code, 1)
    assert.match(err, /no config file here, nor in \/etc\/headgate/)
  } finally {
    rmSync(empty, { recursive: true })
  }
})

test('colours only where they are wanted', async () => {
  const escape = String.fromCharCode(27)
  assert.ok(!(await commandLine(['check', 'bad.yaml'], here)).err.includes(escape))
  const forced = { cwd: folder, env: { FORCE_COLOR: '1' } }
  assert.ok((await commandLine(['check', 'bad.yaml'], forced)).err.includes(escape))
  assert.ok(
    !(await commandLine(['check', 'bad.yaml', '--no-color'], { ...forced, env: {} })).err.includes(escape),
  )
})

test('schema prints the JSON Schema', async () => {
  const { code, out } = await commandLine(['schema'])
  assert.equal(code, 0)
  assert.equal(out, configSchemaText())
})
