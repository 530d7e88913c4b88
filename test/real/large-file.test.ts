/**
 * A large file down and up through `headgate proxy`: nginx as origin, curl as client, checksums at both ends, and
 * Headgate's memory watched meanwhile.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash, type Hash } from 'node:crypto'
import { createReadStream, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { after, before, describe, it, type TestContext } from 'node:test'
import { amounts } from '../length.ts'
import { findProgram, needs } from '../programs.ts'
import { curl } from './curl.ts'
import { HeadgateProcess } from './headgate-process.ts'
import { WebServer } from './web-servers.ts'

const size = amounts.largeBytes
const blockBytes = 1024 * 1024
/** What Headgate may hold above what it held when it had only just served a few requests. */
const growthBytesMax = 64 * 1024 * 1024

/** Pseudo-random bytes, no two blocks alike: bytes that are lost, doubled or misplaced change the checksum. */
function* blocks(): Generator<Buffer> {
  const block = Buffer.alloc(blockBytes)
  let word = 2_463_534_242
  for (let at = 0; at < blockBytes; at += 4) {
    word ^= word << 13
    word ^= word >>> 17
    word ^= word << 5
    block.writeInt32LE(word | 0, at)
  }
  for (let at = 0; at < size; at += blockBytes) {
    block.writeDoubleLE(at, 0)
    block.writeDoubleLE(-at, blockBytes / 2)
    yield block.subarray(0, Math.min(blockBytes, size - at))
  }
}

/** For streams, which keep what they are given. */
function* copies(): Generator<Buffer> {
  for (const block of blocks()) yield Buffer.from(block)
}

async function writeFile(path: string): Promise<string> {
  const file = await open(path, 'w')
  const hash = createHash('sha256')
  for (const block of blocks()) {
    hash.update(block)
    await file.write(block)
  }
  await file.close()
  return hash.digest('hex')
}

async function hashOf(stream: Readable): Promise<string> {
  const hash: Hash & Writable = createHash('sha256')
  await pipeline(stream, hash)
  return hash.digest('hex')
}

/** Runs `work` and gives the greatest resident memory of Headgate meanwhile, looked at each 20 ms, and the time. */
async function watch(headgate: HeadgateProcess, work: () => Promise<void>): Promise<[number, number]> {
  const fromMs = performance.now()
  let most = 0
  const timer = setInterval(() => (most = Math.max(most, headgate.residentBytes)), 20)
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
  return [most, performance.now() - fromMs]
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1)
}

function run(...args: readonly string[]): ReturnType<typeof spawn> {
  return spawn(findProgram('curl'), ['-q', '-sS', '--noproxy', '*', ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
}

describe(`a file of ${size} bytes through headgate proxy`, { skip: needs('nginx', 'curl') }, () => {
  let origin: WebServer
  let headgate: HeadgateProcess
  let checksum = ''
  let base = 0
  before(async () => {
    const buffering = 'client_body_buffer_size 128k; sendfile off;'
    origin = await WebServer.nginx(`location /up/ { dav_methods PUT; create_full_put_path on; ${buffering} }`)
    origin.write('small', 'small')
    checksum = await writeFile(join(origin.root, 'large'))
    headgate = await HeadgateProcess.start(`http://127.0.0.1:${origin.port}`)
    for (let i = 0; i < 20; i++) await curl(`${headgate.url}/small`)
    base = headgate.residentBytes
  })
  after(async () => {
    await headgate?.stop()
    await origin?.stop()
  })

  function judge(t: TestContext, what: string, [most, tookMs]: [number, number]): void {
    t.diagnostic(
      `${what}: ${mebibytes(size)} MiB in ${(tookMs / 1000).toFixed(1)} s; resident ${mebibytes(base)} MiB before, ` +
        `at most ${mebibytes(most)}`,
    )
    assert.ok(most > 0 && most - base < growthBytesMax, `${mebibytes(most - base)} MiB more`)
  }

  it('comes down whole, in constant memory', async (t) => {
    const measured = await watch(headgate, async () => {
      const child = run(`${headgate.url}/large`)
      assert.equal(await hashOf(child.stdout as Readable), checksum)
    })
    judge(t, 'down', measured)
  })

  it('comes down whole to a reader that is slower than the origin, in constant memory', async (t) => {
    const measured = await watch(headgate, async () => {
      const child = run('-r', `0-${32 * 1024 * 1024 - 1}`, '--limit-rate', '16M', `${headgate.url}/large`)
      const wanted = createReadStream(join(origin.root, 'large'), { end: 32 * 1024 * 1024 - 1 })
      assert.equal(await hashOf(child.stdout as Readable), await hashOf(wanted))
    })
    judge(t, 'slow reader, the first 32 MiB of', measured)
  })

  it('goes up whole with a Content-Length, in constant memory', async (t) => {
    const measured = await watch(headgate, async () => {
      const child = run('-T', join(origin.root, 'large'), `${headgate.url}/up/large`)
      await new Promise((resolve) => child.once('close', resolve))
    })
    assert.equal(await hashOf(createReadStream(join(origin.root, 'up/large'))), checksum)
    judge(t, 'up', measured)
    rmSync(join(origin.root, 'up/large'))
  })

  it('goes up whole in chunks, in constant memory', async (t) => {
    const measured = await watch(headgate, async () => {
      const child = run('-T', '-', `${headgate.url}/up/chunked`)
      const closed = new Promise((resolve) => child.once('close', resolve))
      await pipeline(Readable.from(copies(), { objectMode: false }), child.stdin as Writable)
      await closed
    })
    assert.equal(await hashOf(createReadStream(join(origin.root, 'up/chunked'))), checksum)
    judge(t, 'up in chunks', measured)
    rmSync(join(origin.root, 'up/chunked'))
  })
})
