import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { configSchemaText } from '../../../src/config/schema-text.ts'
import { headgate } from './command-line.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-cli-'))
after(() => rmSync(folder, { recursive: true }))

const good = `origins:
  app: 10.0.0.11:3000
sites:
  www.example.com:
    - { match: /old/*, redirect: /new/$1 }
    - match: /api/*
      rewrite: { stripPrefix: /api }
      headers: { request: { set: { X-User: '{cookie.user}' } } }
      origin: app
trustedProxies: 10.0.0.0/8
`
writeFileSync(join(folder, 'good.yaml'), good)
writeFileSync(join(folder, 'bad.yaml'), good.replace('redirect', 'redirct'))

const here = { cwd: folder }

test('version tells ours and that of Node', async () => {
  for (const args of [['version'], ['--version'], ['-v']]) {
    const { code, out } = await headgate(args)
    assert.equal(code, 0)
    assert.match(out, /^headgate \d+\.\d+\.\d+ \(Node \d+\.\d+\.\d+, \w+ \w+\)\n$/)
  }
})

test('an unknown command or option is 64, with the nearest', async () => {
  const command = await headgate(['chek'])
  assert.deepEqual([command.code, command.out], [64, ''])
  assert.match(command.err, /unknown command "chek"; did you mean "check"\?/)
  const option = await headgate(['run', '--confg', 'x'])
  assert.equal(option.code, 64)
  assert.match(option.err, /unknown option --confg; did you mean "--config"\?\n {2}usage: headgate run/)
})

test('check says what a right config says, and 0', async () => {
  const { code, out, err } = await headgate(['check', 'good.yaml'], here)
  assert.deepEqual(
    [code, out, err],
    [0, 'good.yaml is right: listens on :8080; 1 site; 2 routes; 1 origin\n', ''],
  )
})

test('check counts a server that a route names as an origin, once', async () => {
  const sites = "sites: { a.example: 'http://10.0.0.1:80', b.example: 'http://10.0.0.1:80' }"
  writeFileSync(join(folder, 'named.yaml'), sites)
  assert.match((await headgate(['check', 'named.yaml'], here)).out, /; 2 sites; 2 routes; 1 origin\n$/)
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
  const { code, out } = await headgate(['check', 'bad.yaml', '--json'], here)
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

test('without a config file it is told where one was looked for', async () => {
  const empty = mkdtempSync(join(tmpdir(), 'headgate-empty-'))
  try {
    const { code, err } = await headgate(['run'], { cwd: empty })
    assert.equal(code, 1)
    assert.match(err, /no config file here, nor in \/etc\/headgate/)
  } finally {
    rmSync(empty, { recursive: true })
  }
})

test('colours only where they are wanted', async () => {
  const escape = String.fromCharCode(27)
  assert.ok(!(await headgate(['check', 'bad.yaml'], here)).err.includes(escape))
  const forced = { cwd: folder, env: { FORCE_COLOR: '1' } }
  assert.ok((await headgate(['check', 'bad.yaml'], forced)).err.includes(escape))
  assert.ok(
    !(await headgate(['check', 'bad.yaml', '--no-color'], { ...forced, env: {} })).err.includes(escape),
  )
})

test('schema prints the JSON Schema', async () => {
  const { code, out } = await headgate(['schema'])
  assert.equal(code, 0)
  assert.equal(out, configSchemaText())
})

test('explain tells route, steps, target, fields and server', async () => {
  const args = [
    'explain',
    '-c',
    'good.yaml',
    'http://www.example.com/api/x?q=1',
    '-H',
    'Cookie: user=joe',
    '--client',
    '10.1.2.3',
  ]
  const { code, out } = await headgate([...args, '-H', 'X-Forwarded-For: 203.0.113.9'], here)
  assert.equal(code, 0)
  for (const line of [
    /the proxy 10\.1\.2\.3 is trusted: the client is 203\.0\.113\.9/,
    /route www\.example\.com\[0\] does not: path \/api\/x is not \/old\/\*/,
    /rewrite +\/api\/x\?q=1 becomes \/x\?q=1/,
    /headers +sets X-User: joe on the request/,
    /origin +asks origin "app", 10\.0\.0\.11:3000/,
    /sent +GET \/x\?q=1 HTTP\/1\.1/,
    /^ +host: +www\.example\.com$/m,
    /^ +x-forwarded-for: +203\.0\.113\.9, 10\.1\.2\.3$/m,
    /to 10\.0\.0\.11:3000/,
    /taken by www\.example\.com\[1\]/,
  ]) {
    assert.match(out, line)
  }
})

test('explain --json tells the same to programs', async () => {
  const { code, out } = await headgate(
    ['explain', '-c', 'good.yaml', '--json', 'www.example.com/api/x'],
    here,
  )
  const told = JSON.parse(out) as { route: string; sent: { target: string; server: string }; refusal: null }
  assert.equal(code, 0)
  assert.deepEqual(
    [told.route, told.sent.target, told.sent.server],
    ['www.example.com[1]', '/x', '10.0.0.11:3000'],
  )
})

test('explain of a request that is refused says why, and 1', async () => {
  const none = await headgate(['explain', '-c', 'good.yaml', 'http://www.example.com/zzz'], here)
  assert.equal(none.code, 1)
  assert.match(none.out, /answered 404: No route takes this request\. \(no_route\)/)
  const bad = await headgate(['explain', '-c', 'good.yaml', 'http://www.example.com/../x'], here)
  assert.match(bad.out, /answered 400: .*\(target_bad\)/)
  const twice = [
    'explain',
    '-c',
    'good.yaml',
    'http://www.example.com/',
    '-H',
    'Content-Length: 1',
    '-H',
    'Content-Length: 2',
  ]
  assert.match((await headgate(twice, here)).out, /answered 400: .*length_repeated/)
})

test('explain refuses what is no URL, method or address', async () => {
  for (const args of [
    [],
    ['http://a b/'],
    ['G T', 'http://a/'],
    ['http://a/', '--client', 'x'],
    ['http://a/', '-H', 'x'],
  ]) {
    assert.equal((await headgate(['explain', '-c', 'good.yaml', ...args], here)).code, 64, args.join(' '))
  }
})

test('purge wants to know what, and is not sent when it cannot be meant', async () => {
  for (const args of [[], ['/a'], ['--host', 'a/b'], ['--site', 's']]) {
    const { code, err } = await headgate(['purge', ...args])
    assert.equal(code, 64, args.join(' '))
    assert.match(err, /usage: headgate purge/)
  }
  const nobody = await headgate(['purge', '--all', '--admin', `unix:${join(folder, 'none.sock')}`])
  assert.equal(nobody.code, 1)
  assert.match(nobody.err, /nobody answers at unix:/)
})

test('reload needs an admin listener, and says when nobody answers there', async () => {
  const without = await headgate(['reload', '-c', 'good.yaml'], here)
  assert.equal(without.code, 1)
  assert.match(without.err, /has no "admin"/)
  const nobody = await headgate(['reload', '--admin', `unix:${join(folder, 'none.sock')}`])
  assert.equal(nobody.code, 1)
  assert.match(nobody.err, /nobody answers at unix:/)
})
