/**
 * Too few file descriptors: `ulimit -n 64` for the whole program.
 */
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { EdgeProcess } from './edge-process.ts'
import { OriginProcess } from './origin-process.ts'
import { statusOf, talk } from './recorder.ts'
import { until } from './supervised.ts'

async function opened(port: number, count: number, text: string): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.on('error', () => {}).on('close', () => socket.destroy())
    return socket
  })
  await sleep(300)
  return sockets
}

for (const workers of [1, 2]) {
  test(`64 descriptors: warned of at the start, and served through a flood (workers: ${workers})`, async (t) => {
    const origin = new OriginProcess(t, 'a')
    await origin.start()
    const edge = new EdgeProcess(t)
    edge.write({ workers, origins: { app: origin.url }, sites: { '*': [{ origin: 'app' }] } })
    await edge.start({ before: 'ulimit -n 64' })
    await edge.logged(
      /could need \d+ file descriptors, but this process may only have 64: raise it \(ulimit -n/,
    )
    const pids = workers === 1 ? [edge.pid] : edge.workerPids()
    const { port } = edge

    // Silent connections, more than there may be: those in excess are closed at once and not left to hang.
    const silent = await opened(port, 200, '')
    const open = silent.filter((socket) => !socket.destroyed).length
    assert.ok(open < 64 * workers, `${open} are open`)
    for (const socket of silent) socket.destroy()

    // Requests, each of which needs a second descriptor: whoever is not served is told so or closed.
    const request = 'GET /slow?n=1 HTTP/1.1\r\nHost: a\r\nX-Ms: 400\r\nConnection: close\r\n\r\n'
    const replies = await Promise.all(Array.from({ length: 150 }, () => talk(port, request, /$^/, 8000)))
    const statuses = new Map<number, number>()
    for (const { text } of replies) statuses.set(statusOf(text), (statuses.get(statusOf(text)) ?? 0) + 1)
    t.diagnostic(`${open} silent ones open; of 150 requests ${JSON.stringify([...statuses])}`)
    assert.ok(replies.every(({ isClosed }) => isClosed))
    assert.ok((statuses.get(200) ?? 0) > 0)
    for (const status of statuses.keys()) assert.ok([0, 200, 503].includes(status), String(status))

    // Who was idle makes room for who comes.
    const idle = await opened(port, 100, 'GET /?n=1 HTTP/1.1\r\nHost: a\r\n\r\n')
    await until('served', async () => statusOf((await talk(port, request, /$^/)).text) === 200)
    for (const socket of idle) socket.destroy()
    await until('all is well', async () => {
      const all = await Promise.all(Array.from({ length: 10 }, () => talk(port, request, /$^/)))
      return all.every(({ text }) => statusOf(text) === 200)
    })
    assert.deepEqual(workers === 1 ? [edge.pid] : edge.workerPids(), pids, 'nobody died')
    assert.equal((await edge.ask('GET', '/healthz')).text, 'ok\n')
    assert.equal((await edge.ask('POST', '/reload')).status, 200)
    edge.signal('SIGTERM')
    assert.equal(await edge.exit, '0')
  })
}
