/** The listener: where it listens, whom it takes, what it says. */
import assert from 'node:assert/strict'
import { existsSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { spawnSync } from 'node:child_process'
import { openFilesMax, warnIfTooFewDescriptors } from '../../../src/net/descriptors.ts'
import { ListenError } from '../../../src/net/listen-error.ts'
import { Listener } from '../../../src/net/listener.ts'
import { freshPath, hasIPv6, listenFor, silent, until } from './pairs.ts'

const ignore = (): void => {}

interface Client {
  socket: Socket
  isConnected: boolean
  isClosed: boolean
}

function dial(port: number, host = '127.0.0.1'): Client {
  const client = { socket: connect({ port, host }), isConnected: false, isClosed: false }
  client.socket.on('connect', () => (client.isConnected = true))
  client.socket.on('error', ignore)
  client.socket.on('close', () => (client.isClosed = true))
  client.socket.resume()
  return client
}

for (const mode of ['handle', 'plain'] as const) {
  test(`it counts what is open and what was accepted (${mode})`, async () => {
    const { listener, address, accepted } = await listenFor(mode, 'ipv4')
    const clients = [dial(address.port), dial(address.port), dial(address.port)]
    await until(() => accepted.length === 3, 'three')
    assert.deepEqual([listener.connections, listener.acceptedCount], [3, 3])
    accepted[0]?.destroy()
    accepted[1]?.reset()
    await until(() => listener.connections === 1, 'two to be gone')
    clients[2]?.socket.destroy()
    accepted[2]?.end()
    await until(() => listener.connections === 0, 'all to be gone')
    assert.equal(listener.acceptedCount, 3)
    listener.close()
  })

  test(`what comes while its owner is full is closed at once and counted (${mode})`, async () => {
    const notes: string[] = []
    const { listener, address, accepted } = await listenFor(mode, 'ipv4', {
      isFull: (open) => open >= 2,
      note: (_level, message) => notes.push(message),
    })
    const clients = [1, 2, 3, 4, 5].map(() => dial(address.port))
    await until(() => clients.filter(({ isClosed }) => isClosed).length === 3, 'three to be closed')
    assert.deepEqual([accepted.length, listener.refusedCount, listener.connections], [2, 3, 2])
    assert.deepEqual(notes, ['There are as many connections as may be: 1 more closed so far.'])
    accepted[0]?.destroy()
    await until(() => listener.connections === 1, 'room')
    const next = dial(address.port)
    await until(() => accepted.length === 3, 'the next')
    assert.equal(next.isClosed, false)
    for (const { socket } of [...clients, next]) socket.destroy()
    for (const transport of accepted) transport.destroy()
    listener.close()
  })

  test(`who is turned away is reset at once, and no longer asked for than there is somebody (${mode})`, async () => {
    let isTurningAway = true
    const asked: string[] = []
    const { listener, address, accepted } = await listenFor(mode, 'ipv4', {
      isTurningAway: () => isTurningAway,
      turnsAway(from) {
        asked.push(from)
        return asked.length === 1
      },
    })
    const first = dial(address.port)
    await until(() => first.isClosed, 'the first to be closed')
    assert.deepEqual([accepted.length, listener.acceptedCount, listener.connections], [0, 0, 0])
    const others = [dial(address.port)]
    await until(() => accepted.length === 1, 'the second')
    isTurningAway = false
    others.push(dial(address.port))
    await until(() => accepted.length === 2, 'the third')
    assert.deepEqual(asked, ['127.0.0.1', '127.0.0.1'])
    for (const { socket } of others) socket.destroy()
    for (const transport of accepted) transport.destroy()
    listener.close()
  })

  test(`onCrowded can make room for the next one (${mode})`, async () => {
    const { listener, address, accepted } = await listenFor(mode, 'ipv4', {
      isFull: (open) => open >= 1,
      onCrowded() {
        accepted[0]?.destroy()
        return true
      },
    })
    const first = dial(address.port)
    await until(() => accepted.length === 1, 'the first')
    const second = dial(address.port)
    await until(() => accepted.length === 2 && first.isClosed, 'the second')
    assert.deepEqual([listener.refusedCount, second.isClosed], [0, false])
    second.socket.destroy()
    accepted[1]?.destroy()
    listener.close()
  })

  test(`when descriptors run short, connections are closed at once and counted apart (${mode})`, async () => {
    const notes: string[] = []
    const { listener, address, accepted } = await listenFor(mode, 'ipv4', {
      descriptorsMax: 17,
      note: (_level, message) => notes.push(message),
    })
    const client = dial(address.port)
    await until(() => client.isClosed, 'the close')
    assert.deepEqual([accepted.length, listener.shortageCount, listener.refusedCount], [0, 1, 0])
    assert.match(notes[0] ?? '', /File descriptors run short/)
    listener.close()
  })

  test(`close stops accepting, and what is open lives on (${mode})`, async () => {
    const { listener, address, accepted } = await listenFor(mode, 'ipv4')
    const client = dial(address.port)
    await until(() => accepted.length === 1, 'the connection')
    listener.close()
    listener.close()
    assert.equal(listener.isListening, false)
    const late = dial(address.port)
    await until(() => late.isClosed, 'the refusal')
    assert.equal(late.isConnected, false)
    let answer = ''
    client.socket.on('data', (bytes: Buffer) => (answer += bytes.toString()))
    accepted[0]?.writeText('still here')
    await until(() => answer === 'still here', 'the answer')
    assert.equal(listener.connections, 1)
    accepted[0]?.destroy()
    await until(() => listener.connections === 0, 'the close')
  })

  test(`a server that listens already can be adopted, connections that wait included (${mode})`, async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const client = dial(port)
    let bytes = ''
    const listener = new Listener({
      mode,
      onTransport(transport) {
        transport.events = {
          ...silent,
          onBytes: (buffer, start, end) => {
            bytes += buffer.toString('latin1', start, end)
            transport.end()
          },
          // Half-open connections are kept, whatever the server was made with.
          onEnd: ignore,
        }
      },
    })
    await listener.adopt(server)
    client.socket.write('hello')
    await until(() => bytes === 'hello', 'the bytes')
    client.socket.end()
    await until(() => listener.connections === 0, 'the close')
    assert.equal(listener.address.port, port)
    listener.close()
  })
}

test('an empty host is every address, of IPv6 and of IPv4', async () => {
  const listener = new Listener({ onTransport: (transport) => transport.destroy() })
  await listener.listen({ host: '', port: 0, path: '' })
  const hosts = hasIPv6() ? ['127.0.0.1', '::1'] : ['127.0.0.1']
  const clients = hosts.map((host) => dial(listener.address.port, host))
  await until(() => clients.every(({ isClosed }) => isClosed), 'both')
  assert.ok(clients.every(({ isConnected }) => isConnected))
  assert.equal(listener.acceptedCount, hosts.length)
  listener.close()
})

test('an IPv4 client of a dual-stack listener has an IPv4 address', async () => {
  const seen: string[] = []
  const listener = new Listener({
    onTransport(transport) {
      seen.push(transport.remoteAddress, transport.localAddress)
      transport.destroy()
    },
  })
  await listener.listen({ host: '', port: 0, path: '' })
  const client = dial(listener.address.port)
  await until(() => client.isClosed, 'the connection')
  assert.deepEqual(seen, ['127.0.0.1', '127.0.0.1'])
  listener.close()
})

test('a port in use is refused with a sentence that says what to do', async () => {
  const { listener, address } = await listenFor('handle', 'ipv4')
  const second = new Listener({ onTransport: ignore })
  await assert.rejects(second.listen(address), (error: unknown) => {
    assert.ok(error instanceof ListenError)
    assert.equal(error.code, 'EADDRINUSE')
    assert.match(error.message, /^127\.0\.0\.1:\d+ is in use by another program: stop it/)
    return true
  })
  assert.equal(second.isListening, false)
  listener.close()
})

test('an address that this machine has not is refused with a sentence', async () => {
  const listener = new Listener({ onTransport: ignore })
  await assert.rejects(listener.listen({ host: '192.0.2.1', port: 0, path: '' }), /has no such address/)
})

test('every error of listening has a sentence with a remedy', () => {
  const port = { host: '', port: 80, path: '' }
  const unix = { host: '', port: 0, path: '/run/x.sock' }
  assert.match(
    new ListenError('EACCES', port).message,
    /^Port 80 needs CAP_NET_BIND_SERVICE .* or choose a port/,
  )
  assert.match(
    new ListenError('EACCES', unix).message,
    /^unix:\/run\/x.sock cannot .* may not write to the folder/,
  )
  const lost = { ...unix, path: '/run/no/such/x.sock' }
  assert.match(
    new ListenError('EACCES', lost).message,
    /^unix:.*folder does not exist.*mkdir -p \/run\/no\/such/,
  )
  assert.match(
    new ListenError('ENOTFOUND', { ...port, host: 'edge.invalid' }).message,
    /^edge\.invalid:80: the name/,
  )
  assert.match(new ListenError('EADDRINUSE', { ...port, host: '::1' }).message, /^\[::1\]:80 is in use/)
  assert.match(new ListenError('ENOENT', unix).message, /folder does not exist/)
  assert.match(new ListenError('EAFNOSUPPORT', port).message, /IPv6/)
  assert.match(new ListenError('EWHATEVER', port).message, /EWHATEVER/)
})

test('a unix socket that nobody answers on is replaced; its file goes with the listener', async () => {
  const path = freshPath()
  const program = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', program])
  assert.ok(statSync(path).isSocket())
  const listener = new Listener({ onTransport: (transport) => transport.destroy(), pathMode: 0o600 })
  await listener.listen({ host: '', port: 0, path })
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.equal(listener.address.path, path)
  listener.close()
  await until(() => !existsSync(path), 'the file to go')
})

test('a unix socket that somebody answers on is left alone', async () => {
  const { listener, address } = await listenFor('handle', 'unix')
  const second = new Listener({ onTransport: ignore })
  await assert.rejects(second.listen(address), /Another program answers on unix:/)
  assert.ok(existsSync(address.path))
  listener.close()
})

test('a file that is no socket is left alone', async () => {
  const path = freshPath()
  writeFileSync(path, 'precious')
  const listener = new Listener({ onTransport: ignore })
  await assert.rejects(listener.listen({ host: '', port: 0, path }), /is no socket/)
  assert.ok(existsSync(path))
  unlinkSync(path)
})

test('the limit of descriptors is known, and too few are told with a remedy', () => {
  const most = openFilesMax()
  assert.ok(most > 0)
  assert.equal(warnIfTooFewDescriptors(100, 264), '')
  assert.notEqual(warnIfTooFewDescriptors(100, 263), '')
  assert.match(
    warnIfTooFewDescriptors(16_384, 1024),
    /could need 32832 .* only have 1024: raise it \(ulimit -n 32832/,
  )
})

test('notes come at most once a second of each kind', async () => {
  const notes: string[] = []
  const { listener, address } = await listenFor('handle', 'ipv4', {
    descriptorsMax: 17,
    note: (_level, message) => notes.push(message),
  })
  const flood = async (): Promise<void> => {
    const clients = Array.from({ length: 10 }, () => dial(address.port))
    await until(() => clients.every(({ isClosed }) => isClosed), 'the closes')
  }
  await flood()
  assert.equal(notes.length, 1)
  await sleep(1000)
  await flood()
  assert.equal(notes.length, 2)
  assert.equal(listener.shortageCount, 20)
  listener.close()
})
