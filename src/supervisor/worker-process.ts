/**
 * WorkerProcess: a forked worker as the supervisor sees it: messages with tickets, and its death.
 *
 * Invariants: every question is answered, or rejected when the worker dies or its time is over; `onExit` comes once.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import type { FromWorker, Reply, ToWorker } from './channel.ts'
import { within } from './fleet.ts'
import type { ListeningSocket } from './listening-socket.ts'
import { siblingUrl } from './program.ts'

export interface WorkerEvents {
  /** A message came that answers no question. */
  onMessage(worker: WorkerProcess, message: FromWorker): void
  /** `how` is like 'exit code 1' or 'SIGKILL'. */
  onExit(worker: WorkerProcess, how: string): void
}

interface Question {
  resolve(reply: Reply): void
  reject(error: Error): void
  readonly timer: NodeJS.Timeout
}

let lastTicket = 0

/** `Omit` on each of a union's members. */
type Untold<T> = T extends { ticket: number } ? Omit<T, 'ticket'> : never

/**
 * Node's options for a worker: our own, except those that say what to run, and without a debugger, be it on a
 * port that is taken or on USR1.
 */
export function workerOptions(own: readonly string[]): string[] {
  const kept: string[] = []
  for (let i = 0; i < own.length; i++) {
    const option = own[i] as string
    if (/^(-e|-p|-pe|--eval|--print)$/.test(option)) i++
    else if (!/^--(input-type|eval|print|inspect|watch|test|disable-sigusr1)/.test(option)) kept.push(option)
  }
  return [...kept, '--disable-sigusr1']
}

/** Ours, and where compiled code is kept: `bin/headgate.js` has said that to its own process alone. */
function workerEnvironment(): NodeJS.ProcessEnv {
  // It is that of this version of Node, in the folder of all.
  const folder = getCompileCacheDir()
  return folder === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(folder) }
}

export class WorkerProcess {
  readonly pid: number
  readonly startedMs: number = performance.now()
  /** Resolves at its first word; rejects when it dies before. */
  readonly hello: Promise<void>
  /** Resolves when it is gone. */
  readonly gone: Promise<void>
  /** It was told to leave, so its exit is no crash. */
  isLeaving = false
  /** Its number among the peers. */
  peer = 0
  /** What it reported after it had drained. */
  report: unknown = null
  readonly #child: ChildProcess
  readonly #questions = new Map<number, Question>()
  #isGone = false

  /** `number` is that of its slot, from 1. */
  constructor(programUrl: string, number: number, events: WorkerEvents) {
    const child = fork(new URL(siblingUrl('worker')), [programUrl, String(number)], {
      serialization: 'advanced',
      execArgv: workerOptions(process.execArgv),
      env: workerEnvironment(),
    })
    this.#child = child
    this.pid = child.pid ?? 0
    const { promise: hello, resolve: sayHello, reject: failHello } = Promise.withResolvers<void>()
    this.hello = hello
    hello.catch(() => {})
    const { promise: gone, resolve: end } = Promise.withResolvers<void>()
    this.gone = gone
    const leave = (how: string): void => {
      if (this.#isGone) return
      this.#isGone = true
      failHello(new Error(`the worker died (${how})`))
      this.#rejectAll(how)
      end()
      events.onExit(this, how)
    }
    child.on('message', (message: FromWorker) => {
      if (message.kind === 'hello') sayHello()
      else if ('ticket' in message) this.#settle(message)
      else events.onMessage(this, message)
    })
    child.on('error', (error) => leave(error.message))
    child.on('exit', (code, signal) => leave(signal ?? `exit code ${code}`))
  }

  get isAlive(): boolean {
    return !this.#isGone
  }

  send(message: ToWorker, done: () => void = () => {}): void {
    if (this.#isGone || !this.#child.connected) return done()
    // An error means that the channel is closing; the 'exit' event tells the rest.
    this.#child.send(message, () => done())
  }

  /** Hands a listening socket over. */
  sendSocket(socket: ListeningSocket): void {
    if (this.#isGone || !this.#child.connected) return
    const { name, backlog } = socket.plan
    this.#child.send({ kind: 'listen', name, backlog } satisfies ToWorker, socket.handle, () => {})
  }

  /** Asks and waits for the answer. Rejects when the worker refuses, dies, or takes longer than `ms`. */
  ask(question: Untold<ToWorker>, ms: number): Promise<Reply> {
    const ticket = ++lastTicket
    return new Promise((resolve, reject) => {
      if (this.#isGone) return reject(new Error('the worker is gone'))
      const timer = setTimeout(() => {
        this.#questions.delete(ticket)
        reject(new Error(`the worker ${this.pid} did not answer within ${ms} ms`))
      }, ms)
      this.#questions.set(ticket, { resolve, reject, timer })
      this.send({ ...question, ticket })
    })
  }

  #settle(reply: Reply): void {
    const question = this.#questions.get(reply.ticket)
    if (question === undefined) return
    this.#questions.delete(reply.ticket)
    clearTimeout(question.timer)
    if (reply.kind === 'refused') question.reject(new Error(reply.reason))
    else if (reply.kind === 'answer' && reply.error !== '') question.reject(new Error(reply.error))
    else question.resolve(reply)
  }

  #rejectAll(how: string): void {
    for (const question of this.#questions.values()) {
      clearTimeout(question.timer)
      question.reject(new Error(`the worker ${this.pid} died (${how})`))
    }
    this.#questions.clear()
  }

  /** Tells it to end by `word`, and resolves when it is gone; after `ms` it is killed. */
  async leave(word: ToWorker, ms: number): Promise<void> {
    this.isLeaving = true
    this.send(word)
    const isGone = this.gone.then(() => true)
    if ((await within(isGone, ms)) === null) this.kill()
    await this.gone
  }

  kill(): void {
    this.isLeaving = true
    if (!this.#isGone) this.#child.kill('SIGKILL')
  }
}
