/**
 * Clients that ask one after the other on kept connections, and check every byte of what they get.
 */
import { Agent, request as startRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { bodyOf } from './checked-body.ts'

export interface Sample {
  readonly id: string
  readonly startedMs: number
  /** By `Date.now`, as all times here. */
  readonly endedMs: number
  /** 0: not a byte of an answer came. */
  readonly status: number
  /** Of a 200: its end was seen. */
  readonly isWhole: boolean
  /** Of a 200: what came is (the beginning of) the body that the server makes for this id. */
  readonly isRight: boolean
  readonly server: string
}

export interface LoadOptions {
  readonly port: number
  readonly clients?: number
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Between two requests of a client. */
  readonly pauseMs?: number
  /** In front of the numbers, so that ids of several loads differ. */
  readonly prefix?: string
}

export class CheckedLoad {
  readonly samples: Sample[] = []
  readonly #options: Required<LoadOptions>
  readonly #agent = new Agent({ keepAlive: true })
  readonly #done: Promise<unknown>
  #count = 0
  #isStopped = false
  /** A test that failed before it stopped this must end all the same. */
  readonly #endMs = Date.now() + 60_000

  constructor(options: LoadOptions) {
    this.#options = { clients: 12, method: 'GET', path: '/', headers: {}, pauseMs: 4, prefix: '', ...options }
    this.#done = Promise.all(Array.from({ length: this.#options.clients }, () => this.#run()))
  }

  /** No more requests; resolves when those under way are over. */
  async stop(): Promise<readonly Sample[]> {
    this.#isStopped = true
    await this.#done
    this.#agent.destroy()
    return this.samples
  }

  async #run(): Promise<void> {
    while (!this.#isStopped && Date.now() < this.#endMs) {
      this.samples.push(await this.#ask(this.#options.prefix + this.#count++))
      await sleep(this.#options.pauseMs)
    }
  }

  #ask(id: string): Promise<Sample> {
    const { port, method, path, headers } = this.#options
    const startedMs = Date.now()
    return new Promise((resolve) => {
      let status = 0
      let text = ''
      const end = (isWhole: boolean): void => {
        const server = text.split(' ', 1)[0] ?? ''
        const expected = bodyOf(server, id)
        const isRight = isWhole ? text === expected : text === '' || expected.startsWith(text)
        resolve({ id, startedMs, endedMs: Date.now(), status, isWhole, isRight, server })
      }
      const target = { host: '127.0.0.1', port, method, path: `${path}?n=${id}` }
      const options = { ...target, headers, agent: this.#agent }
      const request = startRequest(options, (response) => {
        status = response.statusCode ?? 0
        response.setEncoding('latin1').on('data', (piece: string) => (text += piece))
        response.on('end', () => end(response.complete))
        response.on('error', () => end(false))
      })
      request.on('error', () => end(false))
      request.end()
    })
  }
}

/** Part of the whole answers that came from `server`, per window of `windowMs` from `fromMs` on. */
export function shares(
  samples: readonly Sample[],
  server: string,
  fromMs: number,
  windowMs: number,
): number[] {
  const all: number[] = []
  const own: number[] = []
  for (const sample of samples) {
    const index = Math.floor((sample.endedMs - fromMs) / windowMs)
    if (sample.status !== 200 || index < 0) continue
    all[index] = (all[index] ?? 0) + 1
    if (sample.server === server) own[index] = (own[index] ?? 0) + 1
  }
  return Array.from(all, (count, index) => (count > 0 ? (own[index] ?? 0) / count : 0))
}

/** After how many ms the share of `server` was at least `least`, and stayed so; Infinity: never. */
export function shareBackMs(
  samples: readonly Sample[],
  server: string,
  fromMs: number,
  least: number,
): number {
  const windowMs = 250
  const list = shares(samples, server, fromMs, windowMs)
  // The last window is not a whole one.
  list.pop()
  const low = list.findLastIndex((share) => share < least)
  return low === list.length - 1 ? Infinity : (low + 1) * windowMs
}
