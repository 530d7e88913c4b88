/**
 * Slow readers: `node slow-reader.ts PORT PATH SHA256 CONNECTIONS BODIES` has each connection fetch a large body
 * several times, resting after every read, and hashes what came; prints one line of JSON.
 *
 * The bodies are larger than what the kernels on the way hold, so the proxy is held back, and the hash shows whether it
 * kept its bytes meanwhile.
 */
import { createHash } from 'node:crypto'
import { request, Agent, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const [port = '', path = '', wanted = '', connections = '', bodies = ''] = process.argv.slice(2)
/** Rest after a read of up to 64 KiB: 16 MiB a second for a connection. */
const restMs = 4
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) })

function fetchOne(): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: Number(port), path, agent }, resolve)
    sent.once('error', reject)
    sent.end()
  })
}

/** 1 when the body that came is not the one wanted. */
async function readSlowly(): Promise<number> {
  const hash = createHash('sha256')
  const answer = await fetchOne()
  for await (const bytes of answer as AsyncIterable<Buffer>) {
    hash.update(bytes)
    await sleep(restMs)
  }
  return hash.digest('hex') === wanted ? 0 : 1
}

async function readerOf(count: number): Promise<number> {
  let errors = 0
  for (let i = 0; i < count; i++) errors += await readSlowly().catch(() => 1)
  return errors
}

const startMs = performance.now()
const errors = await Promise.all(Array.from({ length: Number(connections) }, () => readerOf(Number(bodies))))
const seconds = (performance.now() - startMs) / 1000
agent.destroy()
console.log(
  JSON.stringify({
    requests: Number(connections) * Number(bodies),
    seconds,
    p50: NaN,
    p99: NaN,
    errors: errors.reduce((sum, one) => sum + one, 0),
  }),
)
