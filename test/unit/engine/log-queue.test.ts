import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../../../src/core/clock.ts'
import type { LogFileSystem } from '../../../src/engine/log-file.ts'
import { LogQueue, type LogQueueOptions } from '../../../src/engine/log-queue.ts'
import { HandClock } from './fakes.ts'

function folderOf(t: TestContext): string {
  const folder = fs.mkdtempSync(join(tmpdir(), 'headgate-log-'))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A file system in memory whose writes are answered by hand. */
class HandFiles {
  opened: string[] = []
  closed: number[] = []
  content = new Map<number, string>()
  waiting: (() => void)[] = []
  /** What the next writes answer: an error code, or how many bytes at most. */
  answers: (string | number)[] = []
  isPipe = false

  get fs(): LogFileSystem {
    const stat = { isFIFO: () => this.isPipe, isSocket: () => false }
    return {
      openSync: (path: string) => this.#open(path),
      open: (path: string, _flags: string, _mode: number, done: (error: null, fd: number) => void) =>
        done(null, this.#open(path)),
      fstatSync: () => stat,
      close: (fd: number) => this.closed.push(fd),
      closeSync() {},
      write: (
        fd: number,
        buffer: Buffer,
        at: number,
        length: number,
        _position: null,
        done: (error: Error | null, written: number) => void,
      ) => this.waiting.push(() => this.#answer(fd, buffer.subarray(at, at + length), done)),
      writeSync: (fd: number, buffer: Buffer, at: number, length: number) => {
        this.#append(fd, buffer.subarray(at, at + length))
        return length
      },
    } as unknown as LogFileSystem
  }

  #open(path: string): number {
    this.opened.push(path)
    return 10 + this.opened.length
  }

  #append(fd: number, bytes: Buffer): void {
    this.content.set(fd, (this.content.get(fd) ?? '') + bytes.toString('latin1'))
  }

  #answer(fd: number, bytes: Buffer, done: (error: Error | null, written: number) => void): void {
    const answer = this.answers.shift() ?? bytes.length
    if (typeof answer === 'string') return done(Object.assign(new Error(answer), { code: answer }), 0)
    const written = Math.min(answer, bytes.length)
    this.#append(fd, bytes.subarray(0, written))
    done(null, written)
  }

  /** Lets the write under way end. */
  next(): void {
    this.waiting.shift()?.()
  }

  all(): string {
    return [...this.content.values()].join('')
  }
}

function handQueue(
  files: HandFiles,
  more: Partial<LogQueueOptions> = {},
): { queue: LogQueue; clock: HandClock } {
  const clock = new HandClock()
  const options = { path: '/log', fd: 1, bytesMax: 1000, isShared: false, clock, fileSystem: files.fs }
  return { queue: new LogQueue({ ...options, ...more }), clock }
}

test('lines wait for company and go out in one write, in order', () => {
  const files = new HandFiles()
  const { queue, clock } = handQueue(files)
  for (const line of ['a\n', 'b\n', 'c\n']) assert.equal(queue.push(line), true)
  assert.equal(files.waiting.length, 0)
  clock.advance(60)
  assert.equal(files.waiting.length, 1)
  files.next()
  assert.equal(files.all(), 'a\nb\nc\n')
  assert.equal(queue.waitingBytes, 0)
})

test('one write is under way at a time; what comes meanwhile follows in one more', () => {
  const files = new HandFiles()
  const { queue, clock } = handQueue(files)
  queue.push('a\n')
  clock.advance(60)
  queue.push('b\n')
  queue.push('c\n')
  clock.advance(1000)
  assert.equal(files.waiting.length, 1)
  files.next()
  assert.equal(files.waiting.length, 1)
  files.next()
  assert.equal(files.all(), 'a\nb\nc\n')
})

test('what does not fit is dropped and counted, and told once when there is room again', () => {
  const files = new HandFiles()
  const { queue, clock } = handQueue(files, { bytesMax: 10 })
  const told: number[] = []
  queue.onRecover = (lost) => told.push(lost)
  assert.equal(queue.push('12345\n'), true)
  assert.equal(queue.push('12345\n'), false)
  assert.equal(queue.push('123\n'), true)
  assert.equal(queue.push('1\n'), false)
  assert.deepEqual([queue.accepted, queue.dropped, told.length], [2, 2, 0])
  clock.advance(60)
  files.next()
  assert.deepEqual(told, [2])
  queue.push('x\n')
  clock.advance(60)
  files.next()
  assert.deepEqual(told, [2])
  assert.equal(files.all(), '12345\n123\nx\n')
})

test('a write that fails is tried again and loses nothing that fitted (ENOSPC, EPIPE)', () => {
  const files = new HandFiles()
  const { queue, clock } = handQueue(files)
  files.answers = ['ENOSPC', 'EPIPE']
  queue.push('a\n')
  clock.advance(60)
  files.next()
  queue.push('b\n')
  clock.advance(1100)
  files.next()
  clock.advance(1100)
  files.next()
  files.next()
  assert.equal(files.all(), 'a\nb\n')
  assert.equal(queue.writeErrors, 2)
  assert.equal(queue.dropped, 0)
})

test('a full pipe is asked again soon, and is no error', () => {
  const files = new HandFiles()
  const { queue, clock } = handQueue(files)
  files.answers = ['EAGAIN']
  queue.push('a\n')
  clock.advance(60)
  files.next()
  clock.advance(30)
  files.next()
  assert.equal(files.all(), 'a\n')
  assert.equal(queue.writeErrors, 0)
})

test('a write that takes a part goes on with the rest', () => {
  const files = new HandFiles()
  const { queue, clock } = handQueue(files)
  files.answers = [3, 1]
  queue.push('abcdef\n')
  clock.advance(60)
  for (let i = 0; i < 3; i++) files.next()
  assert.equal(files.all(), 'abcdef\n')
})

test('reopening takes the new file, between batches', async () => {
  const files = new HandFiles()
  const { queue, clock } = handQueue(files)
  queue.push('old\n')
  clock.advance(60)
  const reopened = queue.reopen()
  queue.push('new\n')
  files.next()
  await reopened
  files.next()
  assert.deepEqual([...files.content.values()], ['old\n', 'new\n'])
  assert.deepEqual(files.closed, [11])
})

test('a line torn by a full disk is whole in the file that is opened next', async () => {
  const files = new HandFiles()
  const { queue, clock } = handQueue(files)
  files.answers = [6, 'ENOSPC', 'ENOSPC']
  queue.push('one\n')
  queue.push('two\n')
  clock.advance(60)
  files.next()
  files.next()
  await queue.reopen()
  files.next()
  clock.advance(1100)
  files.next()
  assert.deepEqual([...files.content.values()], ['one\ntw', 'two\n'])
})

test('close writes what waits, takes nothing more, and gives up at the deadline', async () => {
  const files = new HandFiles()
  const { queue, clock } = handQueue(files)
  queue.push('a\n')
  const closing = queue.close(500)
  assert.equal(queue.push('late\n'), false)
  files.next()
  await closing
  assert.equal(files.all(), 'a\n')
  const stuck = handQueue(new HandFiles())
  stuck.queue.push('b\n')
  stuck.queue.push('c\n')
  const giving = stuck.queue.close(500)
  stuck.clock.advance(600)
  await giving
  assert.equal(stuck.queue.dropped, 2)
  clock.advance(0)
})

test('at the last moment what waits is written at once, and what is under way is not written twice', () => {
  const files = new HandFiles()
  const { queue, clock } = handQueue(files)
  queue.push('under way\n')
  clock.advance(60)
  queue.push('waiting\n')
  queue.flushNow()
  assert.equal(files.all(), 'waiting\n')
  files.next()
  assert.equal(files.all(), 'waiting\nunder way\n')
})

test('on a pipe that processes share, a batch is no longer than PIPE_BUF and holds whole lines', () => {
  const files = new HandFiles()
  files.isPipe = true
  const { queue, clock } = handQueue(files, { isShared: true, bytesMax: 1 << 20, path: '' })
  assert.equal(queue.lineBytesMax, 4096)
  for (let i = 0; i < 50; i++) queue.push('x'.repeat(499) + '\n')
  clock.advance(60)
  let before = 0
  while (files.waiting.length > 0) {
    files.next()
    const length = files.all().length - before
    before += length
    assert.ok(length <= 4096 && length % 500 === 0, String(length))
  }
  assert.equal(before, 25_000)
})

test('a file is created for owner and group only, and appended to', async (t) => {
  const path = join(folderOf(t), 'a.log')
  fs.writeFileSync(path, 'before\n')
  fs.chmodSync(path, 0o640)
  const options = { path, fd: 1, bytesMax: 1 << 20, isShared: false, clock: systemClock }
  const queue = new LogQueue(options)
  queue.push('after\n')
  await queue.close(1000)
  assert.equal(fs.readFileSync(path, 'utf8'), 'before\nafter\n')
  const other = path + '2'
  await new LogQueue({ ...options, path: other }).close(0)
  assert.equal(fs.statSync(other).mode & 0o007, 0)
})

test('a file that cannot be opened throws at once; one that cannot be reopened leaves the old one in use', async (t) => {
  const folder = folderOf(t)
  const options = { fd: 1, bytesMax: 1 << 20, isShared: false, clock: systemClock }
  assert.throws(() => new LogQueue({ ...options, path: join(folder, 'none', 'a.log') }), /ENOENT/)
  fs.mkdirSync(join(folder, 'sub'))
  const path = join(folder, 'sub', 'a.log')
  const queue = new LogQueue({ ...options, path })
  fs.renameSync(join(folder, 'sub'), join(folder, 'moved'))
  await assert.rejects(queue.reopen(), /ENOENT/)
  queue.push('still\n')
  await queue.close(1000)
  assert.equal(fs.readFileSync(join(folder, 'moved', 'a.log'), 'utf8'), 'still\n')
})

test(
  'a full disk (/dev/full) costs lines and not the process',
  { skip: !fs.existsSync('/dev/full') },
  async () => {
    const queue = new LogQueue({
      path: '/dev/full',
      fd: 1,
      bytesMax: 100,
      isShared: false,
      clock: systemClock,
    })
    for (let i = 0; i < 100; i++) queue.push('0123456789\n')
    await queue.flush(200)
    assert.ok(queue.writeErrors >= 1)
    assert.equal(queue.dropped, 91)
    await queue.close(10)
    assert.equal(queue.dropped, 100)
  },
)

test('a pipe that nobody reads holds up neither the process nor its other files', (t) => {
  const folder = folderOf(t)
  const url = JSON.stringify(new URL('../../../src/engine/log-queue.ts', import.meta.url).href)
  const clockUrl = JSON.stringify(new URL('../../../src/core/clock.ts', import.meta.url).href)
  const script = join(folder, 'writer.mjs')
  fs.writeFileSync(
    script,
    `import { LogQueue } from ${url}
import { systemClock } from ${clockUrl}
import { readFile } from 'node:fs/promises'
const queues = Array.from({ length: 6 }, () => new LogQueue({ path: '', fd: 1, bytesMax: 1 << 20, isShared: true, clock: systemClock }))
for (const queue of queues) for (let i = 0; i < 5000; i++) queue.push('x'.repeat(99) + '\\n')
await new Promise((resolve) => setTimeout(resolve, 300))
await readFile(${JSON.stringify(script)})
process.stderr.write('alive')
await Promise.all(queues.map((queue) => queue.close(50)))
process.exit(0)
`,
  )
  // The reader sleeps: 6 queues of 500 kB meet a pipe of 64 KiB, and Node has four threads for files.
  const shell = `'${process.execPath}' '${script}' 2>'${folder}/err' | sleep 3`
  execFileSync('sh', ['-c', shell], { timeout: 20_000 })
  assert.equal(fs.readFileSync(join(folder, 'err'), 'utf8'), 'alive')
})

test('lines of several processes on one pipe are never torn', (t) => {
  const folder = folderOf(t)
  const url = JSON.stringify(new URL('../../../src/engine/log-queue.ts', import.meta.url).href)
  const clockUrl = JSON.stringify(new URL('../../../src/core/clock.ts', import.meta.url).href)
  const script = join(folder, 'writer.mjs')
  fs.writeFileSync(
    script,
    `import { LogQueue } from ${url}
import { systemClock } from ${clockUrl}
const queue = new LogQueue({ path: '', fd: 1, bytesMax: 1 << 24, isShared: true, clock: systemClock })
for (let i = 0; i < 4000; i++) queue.push(process.argv[2].repeat(50 + i % 400) + '\\n')
await queue.close(10000)
process.exit(queue.dropped)
`,
  )
  const one = (letter: string): string => `'${process.execPath}' '${script}' ${letter}`
  const shell = `(${one('a')} & ${one('b')} & wait) | cat > '${folder}/out'`
  execFileSync('sh', ['-c', shell], { timeout: 30_000 })
  const lines = fs.readFileSync(join(folder, 'out'), 'latin1').trimEnd().split('\n')
  assert.equal(lines.length, 8000)
  assert.ok(lines.every((line) => /^a+$|^b+$/.test(line)))
})
