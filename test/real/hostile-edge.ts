/** A Headgate in this process for the tests of hostile peers, which counts what it took: its access log says so. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type HeadgateServer } from '../../src/server.ts'

export interface LogLine {
  readonly status: number
  readonly upstream?: string
  readonly fault?: string
  readonly request: { readonly method: string; readonly uri: string }
}

export class HostileEdge {
  readonly server: HeadgateServer
  readonly port: number
  readonly #folder: string

  private constructor(server: HeadgateServer, folder: string) {
    this.server = server
    this.port = server.addresses[0]?.port ?? 0
    this.#folder = folder
  }

  /** In front of the origin on `originPort` of this machine. */
  static async start(originPort: number): Promise<HostileEdge> {
    const folder = mkdtempSync(join(tmpdir(), 'headgate-hostile-'))
    const server = await createServer({
      listeners: [{ host: '127.0.0.1', port: 0 }],
      origins: { origin: `http://127.0.0.1:${originPort}` },
      sites: { '*': [{ origin: 'origin' }] },
      workers: 1,
      timeouts: { firstByte: '1s' },
      log: { access: 'json', accessFile: join(folder, 'access.log'), level: 'error' },
      admin: false,
    })
    await server.listen()
    return new HostileEdge(server, folder)
  }

  /** Ends it, and gives all that it logged. */
  async stop(): Promise<LogLine[]> {
    await this.server.close({ drainMs: 0 })
    const text = readFileSync(join(this.#folder, 'access.log'), 'utf8')
    rmSync(this.#folder, { recursive: true })
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as LogLine)
  }
}
