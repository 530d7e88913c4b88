import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { commandLine } from './command-line.ts'
import { folder, here } from './config-folder.ts'

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
  const { code, out } = await commandLine([...args, '-H', 'X-Forwarded-For: 203.0.113.9'], here)
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
  const { code, out } = await commandLine(
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
  const none = await commandLine(['explain', '-c', 'good.yaml', 'http://www.example.com/zzz'], here)
  assert.equal(none.code, 1)
  assert.match(none.out, /answered 404: No route takes this request\. \(no_route\)/)
  const bad = await commandLine(['explain', '-c', 'good.yaml', 'http://www.example.com/../x'], here)
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
  assert.match((await commandLine(twice, here)).out, /answered 400: .*length_repeated/)
})

test('explain says that the running server knows of certificates that came by themselves', async () => {
  const config = 'listeners: [{ port: 8443, tls: true }]\nsites: { localhost: { respond: 204 } }\n'
  writeFileSync(join(folder, 'local.yaml'), config)
  const { code, out } = await commandLine(['explain', '-c', 'local.yaml', 'https://localhost/'], here)
  assert.equal(code, 0)
  assert.match(out, /no certificate is for localhost now[^]*certificates came by themselves[^]*--live\n$/)
})

test('explain refuses what is no URL, method or address', async () => {
  for (const args of [
    [],
    ['http://a b/'],
    ['G T', 'http://a/'],
    ['http://a/', '--client', 'x'],
    ['http://a/', '-H', 'x'],
  ]) {
    assert.equal((await commandLine(['explain', '-c', 'good.yaml', ...args], here)).code, 64, args.join(' '))
  }
})

test('purge wants to know what, and is not sent when it cannot be meant', async () => {
  for (const args of [[], ['/a'], ['--host', 'a/b'], ['--site', 's']]) {
    const { code, err } = await commandLine(['purge', ...args])
    assert.equal(code, 64, args.join(' '))
    assert.match(err, /usage: headgate purge/)
  }
  const nobody = await commandLine(['purge', '--all', '--admin', `unix:${join(folder, 'none.sock')}`])
  assert.equal(nobody.code, 1)
  assert.match(
    nobody.err,
    /nobody answers at unix:.*none\.sock: there is no such socket; is Headgate running/,
  )
})

test('a command for a running server says how to name it where there is no config', async () => {
  for (const args of [['reload'], ['purge', '--all'], ['cert', 'ls'], ['explain', 'http://a/']]) {
    const { code, err } = await commandLine(args, here)
    assert.equal(code, 1)
    assert.match(err, /name one with --config FILE, or .*--admin unix:/, args.join(' '))
  }
})

test('reload needs an admin listener, and says when nobody answers there', async () => {
  const without = await commandLine(['reload', '-c', 'good.yaml'], here)
  assert.equal(without.code, 1)
  assert.match(without.err, /has no "admin"/)
  const nobody = await commandLine(['reload', '--admin', `unix:${join(folder, 'none.sock')}`])
  assert.equal(nobody.code, 1)
  assert.match(nobody.err, /nobody answers at unix:/)
})
