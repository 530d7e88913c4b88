/** The connector: what comes after `connect`, and only that. */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SocketConnector } from '../../../src/net/connect.ts'
import { freshPath, listenFor, until } from './pairs.ts'
import { Recorder } from './recorder.ts'

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

const never = (): void => assert.fail('connected')

for (const mode of ['handle', 'plain'] as const) {
  const connector = new SocketConnector(mode)

  test(`a refused connection is told as ECONNREFUSED, once, in a later turn (${mode})`, async () => {
    const at = new Recorder()
    const transport = connector.connect({ host: '127.0.0.1', port: await freePort(), path: '' }, at, never)
    assert.deepEqual(at.closes, [])
    await until(() => at.closes.length > 0, 'the close')
    await sleep(5)
    assert.deepEqual(at.closes, ['ECONNREFUSED'])
    assert.equal(transport.isOpen, false)
  })

  test(`a unix path where nothing is, is told as ENOENT (${mode})`, async () => {
    const at = new Recorder()
    connector.connect({ host: '', port: 0, path: freshPath() }, at, never)
    await until(() => at.closes.length > 0, 'the close')
    assert.deepEqual(at.closes, ['ENOENT'])
  })

  test(`a name is not looked up but refused: addresses only (${mode})`, async () => {
    const at = new Recorder()
    connector.connect({ host: 'localhost', port: 80, path: '' }, at, never)
    assert.deepEqual(at.closes, [])
    await until(() => at.closes.length > 0, 'the close')
    assert.deepEqual(at.closes, ['EINVAL'])
  })

  for (const way of ['destroy', 'reset'] as const) {
    test(`${way} while connecting closes without an error and never connects (${mode})`, async () => {
      const { listener, address } = await listenFor(mode, 'ipv4')
      const at = new Recorder()
      const transport = connector.connect(address, at, never)
      transport[way]()
      assert.equal(transport.isOpen, false)
      await until(() => at.closes.length > 0, 'the close')
      await sleep(10)
      assert.deepEqual(at.closes, [''])
      listener.close()
    })
  }

  test(`onConnect comes once, and what was written before arrives first (${mode})`, async () => {
    const { listener, address, accepted } = await listenFor(mode, 'ipv4')
    const at = new Recorder()
    let connects = 0
    const transport = connector.connect(address, at, () => {
      connects++
      transport.writeText('second')
      transport.writeBytes(Buffer.alloc(40_000, 'c'), 0, 40_000)
    })
    transport.writeText('first ')
    transport.writeBytes(Buffer.alloc(40_000, 'b'), 0, 40_000)
    await until(() => accepted.length === 1, 'the connection')
    const server = accepted[0]?.events as Recorder
    await until(() => server.bytes === 80_012, 'the bytes')
    assert.equal(server.text, `first ${'b'.repeat(40_000)}second${'c'.repeat(40_000)}`)
    assert.equal(connects, 1)
    transport.destroy()
    await until(() => at.closes.length === 1 && server.ends === 1, 'the close')
    accepted[0]?.destroy()
    listener.close()
  })

  test(`paused while connecting, it reads nothing until resumed; paused as it is accepted likewise (${mode})`, async () => {
    const { listener, address, accepted } = await listenFor(mode, 'ipv4', {
      onTransport(transport) {
        transport.pause()
        transport.events = new Recorder()
        transport.writeText('from the server')
        accepted.push(transport)
      },
    })
    const at = new Recorder()
    let isConnected = false
    const transport = connector.connect(address, at, () => (isConnected = true))
    transport.pause()
    transport.writeText('from the client')
    await until(() => isConnected && accepted.length === 1, 'the connection')
    await sleep(20)
    const server = accepted[0]?.events as Recorder
    assert.deepEqual([at.bytes, server.bytes], [0, 0])
    transport.resume()
    accepted[0]?.resume()
    await until(() => at.text === 'from the server' && server.text === 'from the client', 'both')
    transport.destroy()
    accepted[0]?.destroy()
    await until(() => at.closes.length === 1 && server.closes.length === 1, 'the close')
    listener.close()
  })

  test(`an end before the connection stands is a FIN once it does (${mode})`, async () => {
    const { listener, address, accepted } = await listenFor(mode, 'unix')
    const at = new Recorder()
    const transport = connector.connect(address, at, () => {})
    transport.writeText('all')
    transport.end()
    await until(() => accepted.length === 1, 'the connection')
    const server = accepted[0]?.events as Recorder
    await until(() => server.ends === 1, 'the FIN')
    assert.equal(server.text, 'all')
    accepted[0]?.end()
    await until(() => at.closes.length === 1, 'the close')
    assert.deepEqual(at.closes, [''])
    listener.close()
  })
}
