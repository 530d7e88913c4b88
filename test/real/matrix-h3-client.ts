/** A client of HTTP/3 for the matrix: that of the package which the server's QUIC is of, too. */
import { createRequire } from 'node:module'
import { PassThrough, pipeline, type Duplex } from 'node:stream'
import { providerPackage } from '../../src/h3/load-provider.ts'
import { authority } from '../unit/net/tls-identity.ts'
import { edgeHost, type Answered, type Asking, type MatrixClient } from './matrix-clients.ts'

type Headers = Record<string, string>
type Stream = Duplex & { close(code: number): void }

interface Session {
  requestAsync(headers: Headers, options: { endStream: boolean }): Promise<Stream>
  close(): Promise<void>
}

interface Package {
  readonly connectAsync: (at: string, options: object) => Promise<Session>
}

const requestCancelled = 0x10c

class H3Client implements MatrixClient {
  readonly #session: Session
  readonly #authority: string

  constructor(session: Session, port: number) {
    this.#session = session
    this.#authority = `${edgeHost}:${port}`
  }

  ask(method: string, path: string, headers: Headers = {}): Asking {
    const pseudo = { ':method': method, ':scheme': 'https', ':authority': this.#authority, ':path': path }
    const body = new PassThrough()
    let stream: Stream | null = null
    let isAborted = false
    const abort = (): void => {
      isAborted = true
      body.destroy()
      stream?.close(requestCancelled)
    }
    const answer = this.#session
      .requestAsync({ ...pseudo, ...headers }, { endStream: false })
      .then((made) => {
        stream = made
        if (isAborted) abort()
        else body.pipe(made)
        return answered(made)
      })
    answer.catch(() => {})
    return { body, answer, hints: [], abort }
  }

  webSocket(): Promise<Duplex> {
    return Promise.reject(new Error('the package announces no extended CONNECT'))
  }

  close(): void {
    void this.#session.close()
  }
}

function answered(stream: Stream): Promise<Answered> {
  let trailers: Headers = {}
  stream.on('trailers', (got: Headers) => (trailers = got))
  // At once: the stream is destroyed when it has ended, read or not.
  const body = new PassThrough()
  pipeline(stream, body, () => {})
  return new Promise((resolve, reject) => {
    stream.on('error', reject)
    stream.on('close', () => reject(new Error('closed')))
    stream.on('response', (got: Headers) =>
      resolve({ status: Number(got[':status']), headers: got, body, trailers: () => trailers }),
    )
  })
}

export async function h3Client(port: number): Promise<MatrixClient> {
  const { connectAsync } = createRequire(import.meta.url)(providerPackage) as Package
  const session = await connectAsync(`https://127.0.0.1:${port}`, { ca: authority, servername: edgeHost })
  return new H3Client(session, port)
}
