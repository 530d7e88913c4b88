/**
 * Load that asks for each path once: `node first-load.ts PORT FIRST COUNT CONNECTIONS` asks for `/kept/n/FIRST` and the
 * COUNT - 1 numbers behind it, each connection for the next one that nobody has asked for, and prints one line of JSON.
 */
import { connect } from 'node:net'
import { AnswerReader } from './answer-reader.ts'

const [port = 0, first = 0, count = 0, connections = 0] = process.argv.slice(2).map(Number)
const latencies: number[] = []
let asked = 0
let errors = 0

function load(): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = connect(port, '127.0.0.1').setNoDelay(true)
  let sentMs = 0
  const ask = (): void => {
    if (asked === count) {
      socket.destroy()
      return resolve()
    }
    sentMs = performance.now()
    socket.write(`GET /kept/n/${first + asked++} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
  }
  const reader = new AnswerReader((status) => {
    latencies.push(performance.now() - sentMs)
    if (status !== 200) errors++
    ask()
  })
  socket.once('connect', ask)
  socket.once('error', reject)
  socket.once('end', () => reject(new Error('the connection was closed')))
  socket.on('data', (bytes: Buffer) => reader.push(bytes))
  return promise
}

const startMs = performance.now()
await Promise.all(Array.from({ length: connections }, load))
const seconds = (performance.now() - startMs) / 1000
latencies.sort((a, b) => a - b)
const at = (part: number): number => latencies[Math.floor(latencies.length * part)] ?? NaN
console.log(JSON.stringify({ requests: latencies.length, seconds, p50: at(0.5), p99: at(0.99), errors }))
