/**
 * Small real peers for the tests: an origin that records what it gets byte by byte, one that answers with given bytes,
 * and a client that sends bytes and says what came back. None of them uses a line of `src/`.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** What came to the origin on one connection, as text. */
export interface Recording {
  text: string
}

/** Reads requests as loosely as it can tell them apart, and answers each with 200 and its number. */
export class Recorder {
  readonly recordings: Recording[] = []
  requests = 0
  readonly server: Server
  readonly #sockets = new Set<Socket>()

  constructor() {
    this.server = createServer((socket) => this.#serve(socket))
  }

  get text(): string {
    return this.recordings.map((recording) => recording.text).join('\n--\n')
  }

  clear(): void {
    for (const recording of this.recordings) recording.text = ''
    this.requests = 0
  }

  close(): void {
    this.server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    const recording: Recording = { text: '' }
    this.recordings.push(recording)
    let rest = ''
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('data', (bytes) => {
      const text = bytes.toString('latin1')
      recording.text += text
      rest += text
      for (;;) {
        const next = this.#takeRequest(rest)
        if (next < 0) return
        rest = rest.slice(next)
        this.requests++
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`)
      }
    })
  }

  /** Where the first whole request of `text` ends, -1 when there is none. */
  #takeRequest(text: string): number {
    const end = text.indexOf('\r\n\r\n')
    if (end < 0) return -1
    const head = text.slice(0, end).toLowerCase()
    if (/\r\ntransfer-encoding:[ \t]*chunked/.test(head)) {
      const last = /\r\n0\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(text.slice(end + 2))
      return last === null ? -1 : end + 2 + last.index + last[0].length
    }
    const length = Number(/\r\ncontent-length:[ \t]*(\d+)/.exec(head)?.[1] ?? 0)
    return text.length >= end + 4 + length ? end + 4 + length : -1
  }
}

/** Answers every request head with the bytes that stand in `answer`; the next one of the same connection too. */
export class Answerer {
  answer = ''
  closes = false
  readonly server: Server
  readonly #sockets = new Set<Socket>()

  constructor() {
    this.server = createServer((socket) => {
      this.#sockets.add(socket)
      let rest = ''
      socket.on('error', () => {})
      socket.on('close', () => this.#sockets.delete(socket))
      socket.on('data', (bytes) => {
        rest += bytes.toString('latin1')
        for (let at = rest.indexOf('\r\n\r\n'); at >= 0; at = rest.indexOf('\r\n\r\n')) {
          rest = rest.slice(at + 4)
          socket.write(this.answer, 'latin1')
          if (this.closes) socket.end()
        }
      })
    })
  }

  close(): void {
    this.server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}

export interface Reply {
  readonly text: string
  readonly isClosed: boolean
  readonly wasReset: boolean
  readonly tookMs: number
}

/** Long for a busy machine, and shorter than any deadline of ours: what is closed by one of those was not answered. */
const talkMs = 8000

/** Sends `bytes` (latin1) and reads until the peer closes, `until` matches, or `timeoutMs` pass. */
export function talk(port: number, bytes: string, until: RegExp, timeoutMs = talkMs): Promise<Reply> {
  return new Promise((resolve) => {
    const startedMs = performance.now()
    const socket = connect(port, '127.0.0.1')
    let text = ''
    let wasReset = false
    const finish = (isClosed: boolean): void => {
      clearTimeout(timer)
      socket.removeAllListeners()
      socket.on('error', () => {})
      socket.destroy()
      resolve({ text, isClosed, wasReset, tookMs: performance.now() - startedMs })
    }
    const timer = setTimeout(() => finish(false), timeoutMs)
    socket.on('error', () => (wasReset = true))
    socket.on('close', () => finish(true))
    socket.on('data', (data) => {
      text += data.toString('latin1')
      if (until.test(text)) finish(false)
    })
    socket.on('connect', () => socket.write(bytes, 'latin1'))
  })
}

/** The status of the first answer in `text`, 0 when there is none. 1xx are passed over. */
export function statusOf(text: string): number {
  for (const match of text.matchAll(/HTTP\/1\.[01] (\d{3})/g)) {
    const status = Number(match[1])
    if (status >= 200 || status === 101) return status
  }
  return 0
}
