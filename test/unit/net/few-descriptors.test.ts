/** More clients than descriptors, for real: in a child process under `ulimit -n 96`. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { until } from './pairs.ts'

const childPath = new URL('./few-descriptors-child.ts', import.meta.url).pathname

function start(plain: boolean): ChildProcess {
  return spawn('sh', ['-c', 'ulimit -n 96; exec "$0" "$1"', process.execPath, childPath], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, HEADGATE_PLAIN_SOCKETS: plain ? '1' : '0' },
  })
}

interface Visitor {
  socket: Socket
  isServed: boolean
  isClosed: boolean
}

function visit(port: number): Visitor {
  const visitor = { socket: connect({ port, host: '127.0.0.1' }), isServed: false, isClosed: false }
  visitor.socket.on('data', () => (visitor.isServed = true))
  visitor.socket.on('error', () => {})
  visitor.socket.on('close', () => (visitor.isClosed = true))
  return visitor
}

for (const plain of [false, true]) {
  test(`150 clients of a process with 96 descriptors: each is served or closed at once, origins are still reached, and it recovers (${plain ? 'plain' : 'handle'})`, async (t) => {
    const startedMs = performance.now()
    const child = start(plain)
    const origin = createServer((socket) => socket.on('error', () => {}).destroy())
    t.after(() => child.kill('SIGKILL'))
    t.after(() => origin.close())
    await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
    const originPort = (origin.address() as { port: number }).port
    const [hello] = (await once(child, 'message')) as [{ port: number; openFilesMax: number; mode: string }]
    assert.deepEqual([hello.openFilesMax, hello.mode], [96, plain ? 'plain' : 'handle'])

    const visitors = Array.from({ length: 150 }, () => visit(hello.port))
    await until(() => visitors.every(({ isServed, isClosed }) => isServed || isClosed), 'each to know')
    const servedCount = visitors.filter(({ isServed, isClosed }) => isServed && !isClosed).length
    child.send(originPort)
    const [crowded] = (await once(child, 'message')) as [Record<string, number | string>]
    assert.equal(crowded['originError'], '')
    assert.equal(crowded['connections'], servedCount)
    assert.equal(crowded['shortageCount'], 150 - servedCount)
    assert.equal(crowded['failedCount'], 0)
    assert.ok(servedCount >= 30, `${servedCount} served`)
    // One each second of a kind.
    assert.ok(Number(crowded['notes']) <= 2 + (performance.now() - startedMs) / 500)

    for (const { socket } of visitors) socket.destroy()
    await until(() => visitors.every(({ isClosed }) => isClosed), 'all to be gone')
    // The clients are gone; the server may not have heard it yet.
    let next = visit(hello.port)
    await until(() => {
      if (next.isClosed) next = visit(hello.port)
      return next.isServed
    }, 'the next one')
    next.socket.destroy()
    child.disconnect()
    await once(child, 'exit')
  })
}
