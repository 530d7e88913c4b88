/**
 * Memory of idle accepted connections at the level of src/net: a child process listens, this one connects.
 * `node bench/micro/idle-connections.ts [count]`; each connection has had one small exchange before.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Listener } from '../../src/net/listener.ts'
import type { Transport, TransportEvents } from '../../src/net/transport.ts'

class Echo implements TransportEvents {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    this.#transport.writeBytes(buffer, start, end)
  }

  onDrain(): void {}

  onEnd(): void {
    this.#transport.end()
  }

  onClose(): void {}
}

async function serve(): Promise<void> {
  const listener = new Listener({
    onTransport(transport) {
      transport.events = new Echo(transport)
    },
  })
  await listener.listen({ host: '127.0.0.1', port: 0, path: '' })
  process.on('message', () => {
    for (let i = 0; i < 4; i++) globalThis.gc?.()
    const { rss, heapUsed, external } = process.memoryUsage()
    process.send?.({ connections: listener.connections, rss, heapUsed, external })
  })
  process.send?.(listener.address.port)
}

interface Memory {
  connections: number
  rss: number
  heapUsed: number
  external: number
}

async function measure(count: number): Promise<void> {
  const child = fork(import.meta.filename, ['serve'], { execArgv: ['--expose-gc'] })
  const [port] = (await once(child, 'message')) as [number]
  const ask = async (): Promise<Memory> => {
    child.send('memory')
    return ((await once(child, 'message')) as [Memory])[0]
  }
  const sockets: Socket[] = []
  const open = async (wanted: number): Promise<void> => {
    for (let i = 0; i < wanted; i++) {
      const socket = connect(port, '127.0.0.1')
      sockets.push(socket)
      socket.write('x')
      await once(socket, 'data')
    }
  }
  // The first hundred warm up what is made once.
  await open(100)
  const before = await ask()
  await open(count)
  const after = await ask()
  const each = (key: keyof Memory): string => `${((after[key] - before[key]) / count / 1024).toFixed(2)} KiB`
  console.log(`${count} idle connections: RSS ${each('rss')} each, of it JavaScript heap ${each('heapUsed')}`)
  for (const socket of sockets) socket.destroy()
  child.disconnect()
  child.kill()
}

if (process.argv[2] === 'serve') await serve()
else await measure(Number(process.argv[2] ?? 10_000))
