/**
 * Headgate in a process of its own for `idle.ts`, with the garbage collector at hand: told 'measure' over the channel,
 * it collects and answers with its resident memory in bytes.
 */
import { createServer, defineConfig } from '../src/index.ts'

const [port = '0', originPort = '', cert = '', key = ''] = process.argv.slice(2)
const isSecure = cert !== ''
const config = defineConfig({
  listeners: [{ host: '127.0.0.1', port: Number(port), tls: isSecure }],
  ...(isSecure ? { tls: { certificates: [{ cert, key }] } } : {}),
  origins: { app: `http://127.0.0.1:${originPort}` },
  sites: { '*': [{ origin: 'app' }] },
  workers: 1,
  log: { access: false },
})
const server = await createServer(config)
await server.listen()

process.on('message', () => {
  // Twice: what the first run finalises is free for the second.
  globalThis.gc?.()
  globalThis.gc?.()
  process.send?.(process.memoryUsage.rss())
})
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
