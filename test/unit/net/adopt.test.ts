/** Listening sockets that go from one process to another. */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect, createServer, type NetConnectOpts } from 'node:net'
import { test } from 'node:test'
import { freshPath, until } from './pairs.ts'

const childPath = new URL('./adopt-child.ts', import.meta.url).pathname

function whoAnswers(where: NetConnectOpts): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(where)
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString()
      socket.end()
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
}

for (const kind of ['tcp', 'unix'] as const) {
  test(`a worker accepts on a ${kind} socket that another process opened, and its death leaves the socket open`, async () => {
    const server = createServer()
    const path = freshPath()
    const where = kind === 'tcp' ? { port: 0, host: '127.0.0.1' } : { path }
    await new Promise<void>((resolve) => server.listen(where, resolve))
    const address = server.address()
    const target = typeof address === 'string' ? { path } : { port: address?.port ?? 0, host: '127.0.0.1' }

    const first = fork(childPath)
    first.send('take', server)
    await once(first, 'message')
    const second = fork(childPath)
    second.send('take', server)
    await once(second, 'message')
    // From here on only the workers accept.
    const keptOpen = kind === 'unix'
    if (!keptOpen) server.close()

    if (!keptOpen) {
      assert.match(await whoAnswers(target), /^worker \d+$/)
      first.kill('SIGKILL')
      await once(first, 'exit')
      for (let i = 0; i < 5; i++) assert.equal(await whoAnswers(target), `worker ${second.pid}`)
    } else {
      first.kill('SIGKILL')
      await once(first, 'exit')
      assert.ok(existsSync(path))
    }
    second.disconnect()
    await once(second, 'exit')
    server.close()
    await until(() => kind === 'tcp' || !existsSync(path), 'the file to go')
  })
}
