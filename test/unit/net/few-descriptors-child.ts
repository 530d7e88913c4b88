/** Run by few-descriptors.test.ts under a low `ulimit -n`: answers 'hello' to whoever comes, and keeps him. */
import { Listener } from '../../../src/net/listener.ts'
import { openFilesMax } from '../../../src/net/descriptors.ts'
import { SocketConnector } from '../../../src/net/connect.ts'
import { chooseSockets } from '../../../src/net/socket-mode.ts'
import { silent } from './pairs.ts'

const notes: string[] = []
const listener = new Listener({
  onTransport(transport) {
    transport.events = { ...silent, onEnd: () => transport.end() }
    transport.writeText('hello')
  },
  note: (_level, message) => notes.push(message),
})
await listener.listen({ host: '127.0.0.1', port: 0, path: '' })
process.send?.({ port: listener.address.port, openFilesMax: openFilesMax(), mode: await chooseSockets() })

/** A descriptor for an origin must still be there. */
function reachesAnOrigin(port: number): Promise<string> {
  return new Promise((resolve) => {
    const origin = new SocketConnector().connect(
      { host: '127.0.0.1', port, path: '' },
      { ...silent, onClose: resolve },
      () => origin.destroy(),
    )
  })
}

process.on('message', (originPort: number) => {
  void reachesAnOrigin(originPort).then((error) =>
    process.send?.({
      notes: notes.length,
      connections: listener.connections,
      shortageCount: listener.shortageCount,
      failedCount: listener.failedCount,
      originError: error,
    }),
  )
})
process.on('disconnect', () => process.exit())
