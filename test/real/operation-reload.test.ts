/**
 * Reloads of the program under load: by HUP, by the admin listener and by --watch; right ones, wrong ones.
 */
import assert from 'node:assert/strict'
import { appendFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket, WebSocketServer } from 'ws'
import { CheckedLoad } from './checked-load.ts'
import { EdgeProcess, headgate } from './edge-process.ts'
import { OriginProcess } from './origin-process.ts'
import { talk } from './recorder.ts'
import { until } from './supervised.ts'

async function bodyOf(port: number): Promise<string> {
  const { text } = await talk(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', /$^/)
  return text.slice(text.indexOf('\r\n\r\n') + 4)
}

const says = (body: string): object => ({ sites: { '*': [{ respond: { status: 200, body } }] } })

for (const workers of [1, 2]) {
  test(`HUP takes a right config, a wrong one leaves the old and says why (workers: ${workers})`, async (t) => {
    const edge = new EdgeProcess(t)
    edge.write({ workers, ...says('first') })
    await edge.start()
    const { port } = edge
    assert.equal(await bodyOf(port), 'first')
    edge.write({ workers, ...says('second') })
    edge.signal('SIGHUP')
    await edge.logged(/config taken/)
    assert.equal(await bodyOf(port), 'second')
    edge.write({ workers, sites: { '*': [{ respnd: 200 }] } })
    edge.signal('SIGHUP')
    // On one line, and without those of the file.
    await edge.logged(/config refused, the old one goes on: [^|\n]*did you mean .respond.\?\n/)
    assert.equal(await bodyOf(port), 'second')
    writeFileSync(edge.configPath, '{')
    edge.signal('SIGHUP')
    await until('a second refusal', () => edge.errors().match(/config refused/g)?.length === 2)
    assert.equal(await bodyOf(port), 'second')
    assert.equal(await edge.metric('headgate_config_last_reload_successful'), 0)
    assert.equal(await edge.metric('headgate_config_reloads_total{result="refused"}'), 2)
    // A log that cannot be opened refuses it as well.
    edge.write({
      workers,
      ...says('third'),
      log: { accessFile: '/nowhere/access.log', errorFile: edge.errorsPath },
    })
    const refused = await edge.ask('POST', '/reload')
    assert.equal(refused.status, 422)
    assert.match(refused.text, /the access log cannot be opened: its folder does not exist/)
    assert.equal(await bodyOf(port), 'second')
    edge.write({ workers, ...says('fourth') })
    const command = headgate(['reload', '--config', edge.configPath])
    assert.equal(command.status, 0, command.stderr)
    assert.equal(await bodyOf(port), 'fourth')
    assert.equal(await edge.metric('headgate_config_last_reload_successful'), 1)
  })
}

test('--watch takes what is saved, also in a file that the config imports', async (t) => {
  const edge = new EdgeProcess(t)
  const part = join(edge.folder, 'part.ts')
  writeFileSync(part, "export const body: string = 'first'\n")
  const text = `
import { body } from './part.ts'
export default {
  workers: 1,
  listeners: ['127.0.0.1:0'],
  admin: '${edge.admin}',
  log: { accessFile: '${edge.accessPath}', errorFile: '${edge.errorsPath}' },
  sites: { '*': [{ respond: { status: 200, body } }] },
}
`
  await edge.start({ file: 'edge.config.ts', text, args: ['--watch'] })
  const { port } = edge
  assert.equal(await bodyOf(port), 'first')
  writeFileSync(part, "export const body: string = 'second'\n")
  await until('the second', async () => (await bodyOf(port)) === 'second')
  writeFileSync(part, 'export const body: string = \n')
  await edge.logged(/config refused/)
  assert.equal(await bodyOf(port), 'second')
  // As editors save: a new file under the old name.
  writeFileSync(part + '.new', "export const body: string = 'third'\n")
  renameSync(part + '.new', part)
  await until('the third', async () => (await bodyOf(port)) === 'third')
})

test('the admin listener: a socket for owner and group alone, health, metrics that parse, POST for what changes', async (t) => {
  const edge = new EdgeProcess(t)
  edge.write({ ...says('x'), sites: { 'a."\\b': [{ respond: 204 }] } })
  edge.write(says('x'))
  await edge.start()
  assert.equal(statSync(edge.admin.slice(5)).mode & 0o777, 0o660)
  assert.deepEqual(await edge.ask('GET', '/healthz'), { status: 200, text: 'ok\n' })
  await bodyOf(edge.port)
  await talk(edge.port, 'BAD\r\n\r\n', /$^/)
  await until('two requests', async () => (await edge.metric('headgate_http_requests_total')) === 2)
  assertPrometheus((await edge.ask('GET', '/metrics')).text)
  for (const path of ['/reload', '/drain', '/stop', '/reopen-logs'])
    assert.equal((await edge.ask('GET', path)).status, 405, path)
  assert.equal((await edge.ask('GET', '/nothing')).status, 404)
  assert.equal((await edge.ask('POST', '/reload')).status, 200)
  const status = JSON.parse((await edge.ask('GET', '/status')).text) as { pid: number; health: string }
  assert.deepEqual([status.pid, status.health], [edge.pid, 'ok'])
  assert.equal((await edge.ask('POST', '/drain')).status, 202)
  assert.equal(await edge.exit, '0')
})

/** The text format of Prometheus, version 0.0.4: each sample belongs to a family that was declared, once. */
function assertPrometheus(text: string): void {
  assert.ok(text.endsWith('\n'))
  const types = new Map<string, string>()
  const seen = new Set<string>()
  for (const line of text.slice(0, -1).split('\n')) {
    const declared = /^# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram)$/.exec(line)
    if (declared !== null) {
      assert.ok(!types.has(declared[1] as string), line)
      types.set(declared[1] as string, declared[2] as string)
      continue
    }
    if (/^# HELP [a-zA-Z_:][\w:]* \S.*$/.test(line)) continue
    const sample =
      /^([a-zA-Z_:][\w:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\n"])*",?)*\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|\+Inf|NaN)$/.exec(
        line,
      )
    assert.ok(sample !== null, line)
    const name = sample[1] as string
    const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')
    assert.ok(types.has(family), `${line}: not declared`)
    if (types.get(family) === 'histogram') assert.match(name, /_(bucket|sum|count)$/)
    assert.ok(!seen.has(name + sample[2]), `${line}: twice`)
    seen.add(name + sample[2])
  }
  assert.ok(types.size > 20)
}

async function makeEcho(t: TestContext): Promise<number> {
  const server = createServer()
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => {
    socket.on('message', (message: Buffer) => socket.send(message.toString()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const client of sockets.clients) client.terminate()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

for (const workers of [1, 2]) {
  test(`ten reloads under load: no request fails, and a WebSocket stays open (workers: ${workers})`, async (t) => {
    const servers = ['a', 'b'].map((name) => new OriginProcess(t, name))
    const [echoPort] = await Promise.all([makeEcho(t), ...servers.map((server) => server.start())])
    const edge = new EdgeProcess(t)
    const configure = (i: number): void =>
      edge.write({
        workers,
        origins: { app: servers.map(({ url }) => url), echo: `http://127.0.0.1:${echoPort}` },
        sites: {
          '*': [
            { match: '/ws', origin: 'echo' },
            { headers: { request: { set: { 'X-Load': String(i) } } }, origin: 'app' },
          ],
        },
      })
    configure(0)
    await edge.start()
    const socket = new WebSocket(`ws://127.0.0.1:${edge.port}/ws`)
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    let isClosed = false
    socket.on('close', () => (isClosed = true))
    const load = new CheckedLoad({ port: edge.port, pauseMs: 1 })
    for (let i = 1; i <= 10; i++) {
      await sleep(120)
      configure(i)
      assert.equal((await edge.ask('POST', '/reload')).status, 200)
    }
    await sleep(200)
    const samples = await load.stop()
    const bad = samples.filter(({ status, isWhole, isRight }) => status !== 200 || !isWhole || !isRight)
    assert.deepEqual(bad, [])
    assert.equal(isClosed, false)
    const echoed = new Promise<string>((resolve) =>
      socket.once('message', (data: Buffer) => resolve(data.toString())),
    )
    socket.send('still here')
    assert.equal(await echoed, 'still here')
    socket.close()
    t.diagnostic(`${samples.length} requests over 10 reloads, none failed`)
  })
}

test('reloads that are asked for all at once are all answered, and the last one counts', async (t) => {
  const edge = new EdgeProcess(t)
  edge.write({ workers: 2, ...says('first') })
  await edge.start()
  edge.write({ workers: 2, ...says('last') })
  const replies = await Promise.all(Array.from({ length: 8 }, () => edge.ask('POST', '/reload')))
  assert.ok(
    replies.every(({ status }) => status === 200),
    JSON.stringify(replies),
  )
  for (let i = 0; i < 10; i++) assert.equal(await bodyOf(edge.port), 'last')
  appendFileSync(edge.configPath, '}')
  assert.equal((await edge.ask('POST', '/reload')).status, 422)
})
