/**
 * Headgate is killed while it writes its cache on disk, again and again, by SIGKILL, with one process or two workers: after
 * each, every hit is whole and right, and what was purged and acknowledged does not come back.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { askAdmin } from '../../src/admin/client.ts'
import { amounts } from '../length.ts'
import { get, type Got } from './cache-origin.ts'
import { EdgeProcess } from './edge-process.ts'
import { until } from './supervised.ts'

const { kills } = amounts
const urlCount = 700
const tagCount = 40
const clients = 8
/** It is killed after at most so many answers of the origin, wherever that is. */
const answersMax = 40
/** Of what there may be, so much is looked for after each kill. */
const looksMax = 150

/** What the origin made, and when by its own count. */
interface Version {
  readonly path: string
  readonly number: number
  readonly moment: number
}

function bodyOf({ path, number }: Pick<Version, 'path' | 'number'>): string {
  const index = indexOf(path)
  // Of each ten one is sent from the file block by block, and one is written in pieces.
  const size = index % 10 === 0 ? 1_200_000 : index % 10 === 1 ? 300_000 : 1 + ((number * 7919) % 60_000)
  const line = `${path} is version ${number};`
  return line.repeat(Math.ceil(size / line.length)).slice(0, size)
}

/** Every answer is another one, and of another size; its number is in a field and in each of its lines. */
class VersionOrigin {
  readonly versions: Version[] = []
  moment = 0
  readonly #server: Server

  constructor(t: TestContext) {
    this.#server = createServer((request, answer) => {
      const path = request.url ?? ''
      const number = this.versions.length
      this.versions.push({ path, number, moment: ++this.moment })
      answer.setHeader('Cache-Control', 'max-age=3600')
      answer.setHeader('X-Version', number)
      answer.setHeader('Surrogate-Key', tagOf(path))
      if (indexOf(path) % 4 === 0) answer.setHeader('Vary', 'X-Kind')
      answer.end(bodyOf({ path, number }))
    })
    t.after(() => {
      this.#server.close()
      this.#server.closeAllConnections()
    })
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }
}

function indexOf(path: string): number {
  return Number(/\d+$/.exec(path)?.[0])
}

function tagOf(path: string): string {
  return `tag-${indexOf(path) % tagCount}`
}

interface Purged {
  readonly isConcerned: (path: string) => boolean
  /** Of the origin, before it was asked for: what was made until then must not be seen again. */
  readonly moment: number
}

class KilledEdge {
  readonly origin: VersionOrigin
  readonly purged: Purged[] = []
  hits = 0
  misses = 0
  readonly #edge: EdgeProcess
  readonly #originUrl: string
  isAlive = false
  /** Paths that were asked for, the last ones behind. */
  readonly #asked = new Set<string>()

  constructor(t: TestContext, origin: VersionOrigin, originUrl: string) {
    this.#edge = new EdgeProcess(t)
    this.origin = origin
    this.#originUrl = originUrl
  }

  async start(workers: number): Promise<void> {
    const edge = this.#edge
    rmSync(edge.errorsPath, { force: true })
    edge.write({
      workers,
      cache: { memory: '4MiB', disk: { path: join(edge.folder, 'cache'), size: '40MiB' } },
      origins: { app: this.#originUrl },
      sites: { '*': [{ origin: 'app', cache: true }] },
      log: { access: false, errorFile: edge.errorsPath },
    })
    await edge.start()
    this.isAlive = true
  }

  async kill(): Promise<void> {
    const edge = this.#edge
    const workers = edge.workerPids().filter((pid) => pid > 0)
    this.isAlive = false
    edge.signal('SIGKILL')
    for (const pid of workers) process.kill(pid, 'SIGKILL')
    await edge.exit
    await until('the workers are gone', () => !workers.some((pid) => existsSync(`/proc/${pid}/exe`)))
  }

  get(path: string, fields: Record<string, string> = {}): Promise<Got> {
    return get(this.#edge.port, path, fields)
  }

  /** Clients who ask until it dies, and somebody who purges now and then. */
  async live(round: number): Promise<void> {
    const ending = Promise.all([
      ...Array.from({ length: clients }, (_, client) => this.#load(round, client)),
      this.#purge(round),
    ])
    const { versions } = this.origin
    const enough = versions.length + 5 + ((round * 23) % answersMax)
    await until('it asks', () => versions.length >= enough)
    await sleep(round % 7)
    await this.kill()
    await ending
  }

  async #load(round: number, client: number): Promise<void> {
    for (let i = 0; this.isAlive; i++) {
      const path = `/a/${(round * 97 + client * 83 + i * 7) % urlCount}`
      this.#asked.delete(path)
      this.#asked.add(path)
      const got = await this.get(path).catch(() => null)
      if (got !== null) this.#check(path, got, -1)
    }
  }

  async #purge(round: number): Promise<void> {
    for (let i = 0; this.isAlive; i++) {
      const path = `/a/${(round * 13 + i * 29) % urlCount}`
      const tag = `tag-${(round + i) % tagCount}`
      const isTag = i % 3 === 2
      const { admin } = this.#edge
      const { moment } = this.origin
      const body = JSON.stringify(isTag ? { tag } : { url: `http://a${path}` })
      const answer = await askAdmin(admin, 'POST', '/purge', body).catch(() => null)
      const isConcerned = (each: string): boolean => (isTag ? tagOf(each) === tag : each === path)
      if (answer?.status === 200) this.purged.push({ isConcerned, moment })
    }
  }

  /** What there is, without asking the origin. */
  async look(): Promise<void> {
    const purgedCount = this.purged.length
    const paths = [...this.#asked].slice(-looksMax)
    await Promise.all(Array.from({ length: clients }, () => this.#lookFor(paths, purgedCount)))
  }

  async #lookFor(paths: string[], purgedCount: number): Promise<void> {
    for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
      const got = await this.get(path, { 'Cache-Control': 'only-if-cached' })
      if (got.status === 504) this.misses++
      else {
        this.hits++
        assert.match(got.cache, /^hit/)
        this.#check(path, got, purgedCount)
      }
    }
  }

  /** `purgedCount`: purges that were acknowledged before it was asked for; -1: those do not matter. */
  #check(path: string, got: Got, purgedCount: number): void {
    assert.equal(got.status, 200)
    const version = this.origin.versions[Number(got.headers['x-version'])]
    assert.ok(version !== undefined, `a version that was never made: ${String(got.headers['x-version'])}`)
    assert.equal(version.path, path)
    assert.ok(got.body === bodyOf(version), `${path}: the body is not the one of its head`)
    for (const { isConcerned, moment } of this.purged.slice(0, Math.max(0, purgedCount)))
      assert.ok(!isConcerned(path) || version.moment > moment, `${path} was purged, and came back`)
  }

  /** What a death left unfinished. */
  drafts(): number {
    const folder = join(this.#edge.folder, 'cache/drafts')
    return existsSync(folder) ? readdirSync(folder).length : 0
  }
}

test(`after each of ${kills} kills during writes to the disk every hit is whole and right`, async (t) => {
  const origin = new VersionOrigin(t)
  const edge = new KilledEdge(t, origin, await origin.listen())
  let unfinished = 0
  for (let round = 0; round < kills; round++) {
    await edge.start(1 + (round % 2))
    await edge.look()
    const before = edge.drafts()
    await edge.live(round)
    if (edge.drafts() > before) unfinished++
  }
  await edge.start(1)
  await edge.look()
  await edge.kill()
  t.diagnostic(`${edge.hits} hits and ${edge.misses} misses of what was there, ${edge.purged.length} purges`)
  t.diagnostic(
    `${unfinished} kills left a file unfinished; the origin was asked ${origin.versions.length} times`,
  )
  assert.ok(edge.hits > kills, 'nothing was found after the kills')
  assert.ok(unfinished > 0, 'no kill came while a file was written')
})
