/**
 * The commands of the program as people type them: what they print, and with which code they end.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { EdgeProcess, headgate, makeFolder } from './edge-process.ts'
import { talk } from './recorder.ts'

const wrongYaml = `listeners: [':80800']
origins:
  app:
    serverz: ['http://127.0.0.1:1']
sites:
  '*':
    - match: /a
      orgin: app
    - origin: ap
timeout: {}
`

test('check tells all mistakes at once, each with its place and the nearest right name, and exits with 1', (t) => {
  const folder = makeFolder(t)
  writeFileSync(join(folder, 'edge.yaml'), wrongYaml)
  const { status, stdout, stderr } = headgate(['check', 'edge.yaml'], folder)
  assert.equal(status, 1)
  assert.equal(stdout, '')
  for (const line of [
    'edge.yaml:1:13: listeners[0]: 80800 is not a port: 0 to 65535',
    'edge.yaml:4:5: origins.app.serverz: unknown key "serverz"; did you mean "servers"?',
    'edge.yaml:8:7: sites["*"][0].orgin: unknown key "orgin"; did you mean "origin"?',
    'edge.yaml:9:15: sites["*"][1].origin: there is no origin "ap"; did you mean "app"?',
    'edge.yaml:10:1: timeout: unknown key "timeout"; did you mean "timeouts"?',
    'edge.yaml: 6 errors, 1 warning',
  ])
    assert.ok(stderr.split('\n').includes(line), `${line}\n${stderr}`)
})

test('run refuses the same config with the same words, and starts nothing', (t) => {
  const folder = makeFolder(t)
  writeFileSync(join(folder, 'headgate.yaml'), wrongYaml)
  const { status, stderr } = headgate(['run'], folder)
  assert.equal(status, 1)
  assert.match(stderr, /^headgate\.yaml:4:5: /m)
  assert.match(stderr, /6 errors, 1 warning; nothing was started/)
})

test('places are told in TypeScript and JSON too; check --json is for machines', (t) => {
  const folder = makeFolder(t)
  const wrong = 'export default {\n  sites: { "*": [{ respnd: 200 }] },\n}\n'
  writeFileSync(join(folder, 'a.ts'), wrong)
  assert.match(headgate(['check', 'a.ts'], folder).stderr, /^a\.ts:2:20: .*did you mean "respond"\?$/m)
  writeFileSync(join(folder, 'a.json'), '{\n  "sites": { "*": [{ "respnd": 200 }] }\n}\n')
  assert.match(headgate(['check', 'a.json'], folder).stderr, /^a\.json:2:22: .*did you mean "respond"\?$/m)
  const { status, stdout } = headgate(['check', 'a.json', '--json'], folder)
  assert.equal(status, 1)
  const report = JSON.parse(stdout) as { isRight: boolean; problems: { line: number; path: string }[] }
  assert.equal(report.isRight, false)
  assert.deepEqual(
    report.problems.map(({ line, path }) => [line, path]),
    [[2, 'sites["*"][0].respnd']],
  )
})

test('a config that is right is summed up in one line, and exits with 0', (t) => {
  const folder = makeFolder(t)
  writeFileSync(join(folder, 'headgate.yaml'), 'listeners: [8081]\nsites: { "*": [{ respond: 204 }] }\n')
  const { status, stdout, stderr } = headgate(['check'], folder)
  assert.deepEqual([status, stderr], [0, ''])
  assert.match(stdout, /^headgate\.yaml is right: listens on :8081; 1 site; 1 route; 0 origins\n$/)
})

test('what cannot be meant exits with 64, the nearest right word and the usage', () => {
  const command = headgate(['chekc'])
  assert.equal(command.status, 64)
  assert.match(command.stderr, /unknown command "chekc"; did you mean "check"\?/)
  const option = headgate(['run', '--cofnig', 'x'])
  assert.equal(option.status, 64)
  assert.match(option.stderr, /unknown option --cofnig; did you mean "--config"\?\n {2}usage: headgate run /)
  assert.equal(headgate(['run', '--config']).status, 64)
  assert.equal(headgate(['explain']).status, 64)
  assert.equal(headgate(['check', 'a', 'b']).status, 64)
})

test('help, version and schema print to stdout and exit with 0', () => {
  const help = headgate([])
  assert.equal(help.status, 0)
  for (const command of ['run', 'proxy', 'check', 'explain', 'reload', 'schema', 'version'])
    assert.match(help.stdout, new RegExp(`^ {2}${command} {2,}\\w`, 'm'))
  assert.equal(headgate(['--help']).stdout, help.stdout)
  assert.match(headgate(['run', '--help']).stdout, /--watch/)
  assert.match(headgate(['version']).stdout, /^headgate \d+\.\d+\.\d+ \(Node \d+/)
  assert.equal(headgate(['--version']).stdout, headgate(['version']).stdout)
  const schema = JSON.parse(headgate(['schema']).stdout) as { properties: Record<string, object> }
  for (const key of ['listeners', 'origins', 'sites', 'workers', 'log', 'admin', 'drainTimeout'])
    assert.ok(key in schema.properties, key)
})

test('no config file at all: where was looked for it, and what to do', (t) => {
  const { status, stderr } = headgate(['run'], makeFolder(t))
  assert.equal(status, 1)
  assert.match(stderr, /no config file here, nor in \/etc\/headgate\n {2}looked for headgate\.config\.ts, /)
})

test('explain tells the route, each step, the target, the fields and the server', (t) => {
  const folder = makeFolder(t)
  const config = `
origins: { app: ['http://10.0.0.11:3000', 'http://10.0.0.12:3000'] }
sites:
  'www.example.com':
    - match: { path: /old/*, method: GET }
      redirect: /new/$1
    - match: /api/*
      rewrite: { stripPrefix: /api }
      headers: { request: { set: { X-Team: blue } } }
      origin: app
`
  writeFileSync(join(folder, 'headgate.yaml'), config)
  const url = 'http://www.example.com/api/users?a=1'
  const { status, stdout } = headgate(
    ['explain', 'POST', url, '-H', 'Connection: x-secret', '-H', 'X-Secret: 1'],
    folder,
  )
  assert.equal(status, 0, stdout)
  assert.match(stdout, /www\.example\.com\[1\]/)
  assert.match(stdout, /POST \/users\?a=1 HTTP\/1\.1/)
  assert.match(stdout, /x-team: +blue/i)
  assert.match(stdout, /x-forwarded-for: +192\.0\.2\.1/i)
  assert.match(stdout, /10\.0\.0\.1[12]:3000/)
  assert.doesNotMatch(stdout.slice(stdout.indexOf('HTTP/1.1')), /x-secret/i)
  const other = headgate(['explain', 'http://nobody.example/'], folder)
  assert.equal(other.status, 1)
  assert.match(other.stdout, /answered 404/)
  const redirect = headgate(['explain', 'http://www.example.com/old/a', '--json'], folder)
  assert.equal(redirect.status, 0)
  assert.match(JSON.stringify(JSON.parse(redirect.stdout)), /\/new\/a/)
})

test('a port in use exits with 1 and one sentence that says which and what to do', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  t.after(() => other.close())
  await new Promise((resolve) => other.once('listening', resolve))
  const { port } = other.address() as AddressInfo
  const folder = makeFolder(t)
  for (const workers of [1, 2]) {
    const config = { workers, listeners: [`127.0.0.1:${port}`], sites: { '*': [{ respond: 204 }] } }
    writeFileSync(join(folder, 'headgate.json'), JSON.stringify(config))
    const { status, stderr } = headgate(['run'], folder)
    assert.equal(status, 1)
    const lines = stderr.trim().split('\n')
    assert.match(
      lines.at(-1) ?? '',
      new RegExp(`^headgate: 127\\.0\\.0\\.1:${port} is in use by another program: `),
    )
    // What the log warns of besides has its own form.
    assert.ok(
      lines.slice(0, -1).every((line) => / warn /.test(line)),
      stderr,
    )
  }
})

const spellings = {
  'edge.yaml': (admin: string) => `
workers: 1
listeners: ['127.0.0.1:0']
admin: '${admin}'
sites: { '*': [{ respond: { status: 200, body: from yaml } }] }
`,
  'edge.config.ts': (admin: string) => `
import { defineConfig } from 'headgate'
const body: string = 'from ts'
export default defineConfig({
  workers: 1,
  listeners: ['127.0.0.1:0'],
  admin: '${admin}',
  sites: { '*': [{ respond: { status: 200, body } }] },
})
`,
  'edge.json': (admin: string) =>
    JSON.stringify({
      workers: 1,
      listeners: ['127.0.0.1:0'],
      admin,
      sites: { '*': [{ respond: { status: 200, body: 'from json' } }] },
    }),
}

for (const [file, text] of Object.entries(spellings)) {
  test(`run serves by ${file}, with the logs on stdout and stderr, and ends with 0 at TERM`, async (t) => {
    const edge = new EdgeProcess(t)
    await edge.start({ file, text: text(edge.admin) })
    const reply = await talk(edge.port, 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', /$^/)
    assert.match(reply.text, new RegExp(`\r\n\r\nfrom ${file.slice(file.lastIndexOf('.') + 1)}$`))
    edge.signal('SIGTERM')
    assert.equal(await edge.exit, '0')
    assert.match(edge.stdout, /^127\.0\.0\.1 - - \[.*\] "GET \/x HTTP\/1\.1" 200 \d+ .*\n$/)
    assert.match(edge.stderr, /drained; 0 connections were cut/)
  })
}
