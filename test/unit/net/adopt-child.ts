/** Run by adopt.test.ts: accepts on a listening socket that its parent sent. */
import type { Server } from 'node:net'
import { Listener } from '../../../src/net/listener.ts'
import { silent } from './pairs.ts'

process.on('message', (_message, server) => {
  const listener = new Listener({
    onTransport(transport) {
      transport.events = { ...silent, onEnd: () => transport.end() }
      transport.writeText(`worker ${process.pid}`)
    },
  })
  void listener.adopt(server as Server).then(() => process.send?.('ready'))
})
process.on('disconnect', () => process.exit())
