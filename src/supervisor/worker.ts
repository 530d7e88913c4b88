/**
 * A worker: one server, driven over the channel by the supervisor that forked it. Its argument is the URL of the
 * program's module.
 *
 * Promises: signals to the process group are for the supervisor to answer, so they are ignored here; a worker whose
 * supervisor is gone drains and exits; waiting log lines are written even when it crashes.
 */
import type * as net from 'node:net'
import type { DiskSettings } from '../cache/disk/options.ts'
import { totalOf } from '../cache/purge/purge-total.ts'
import type { ListenerPlan } from '../engine/plan.ts'
import { PeerMember } from '../core/peer-member.ts'
import type { FromWorker, ToWorker } from './channel.ts'
import { channelPeers } from './channel-peers.ts'
import { messageOf, within } from './fleet.ts'
import { listenOn } from './listening-socket.ts'
import { ProcessMetrics } from './process-metrics.ts'
import { loadProgram, readSource, type ConfigSource, type RunningServer } from './program.ts'

const program = await loadProgram(process.argv[2] as string)
const processMetrics = new ProcessMetrics()
/** The first worker serves UDP, and so does the one that replaces it. */
const servesUdp = process.argv[3] === '1'
process.title = 'headgate: worker'

/** How long requests that are cut have to be logged. */
const stopMs = 500

/** Sockets that have arrived and are not in use yet. */
const waiting = new Map<string, { readonly handle: net.Server; readonly backlog: number }>()
let server: RunningServer | null = null
let isListening = false
let peers: PeerMember | null = null
let shared: DiskSettings | null = null
let openListeners: readonly ListenerPlan[] = []
let isLeaving = false

type AskedFor = Extract<ToWorker, { kind: 'ask' }>['what']

function say(message: FromWorker, done: () => void = () => {}): void {
  if (process.connected) process.send?.(message, done)
  else done()
}

async function prepare(ticket: number, source: ConfigSource): Promise<void> {
  try {
    const config = await readSource(program, source)
    if (server === null) {
      server = await program.createServer(config, {
        isShared: true,
        servesUdp,
        openListeners,
        ...(peers === null ? {} : { peers }),
        ...(shared === null ? {} : { shared }),
      })
      say({ kind: 'prepared', ticket, hash: server.plan.hash })
    } else {
      const { hash } = await server.prepare(config)
      say({ kind: 'prepared', ticket, hash })
    }
  } catch (error) {
    say({ kind: 'refused', ticket, reason: messageOf(error) })
  }
}

async function commit(ticket: number): Promise<void> {
  const running = server as RunningServer
  try {
    for (const [name, { handle, backlog }] of waiting) await running.adopt(name, listenOn(handle, backlog))
    waiting.clear()
    if (isListening) {
      running.commit()
    } else {
      await running.listen()
      isListening = true
    }
    say({ kind: 'committed', ticket })
  } catch (error) {
    say({ kind: 'refused', ticket, reason: messageOf(error) })
  }
}

function discard(): void {
  for (const { handle } of waiting.values()) (handle as unknown as { close(): void }).close()
  waiting.clear()
  if (isListening) server?.discard()
}

async function answer(ticket: number, what: AskedFor): Promise<void> {
  try {
    say({ kind: 'answer', ticket, value: await valueOf(what), error: '' })
  } catch (error) {
    say({ kind: 'answer', ticket, value: null, error: messageOf(error) })
  }
}

async function valueOf(what: AskedFor): Promise<unknown> {
  if (what === 'metrics') {
    const snapshot = server?.snapshot() ?? {}
    processMetrics.write(snapshot)
    return snapshot
  }
  if (what === 'status') return server?.status() ?? {}
  if (what === 'certificates') return server?.certificates?.() ?? { isLeader: false, certificates: [] }
  await server?.reopenLogs()
  return null
}

async function answerBy(ticket: number, find: () => unknown): Promise<void> {
  try {
    say({ kind: 'answer', ticket, value: await find(), error: '' })
  } catch (error) {
    say({ kind: 'answer', ticket, value: null, error: messageOf(error) })
  }
}

async function leave(drainMs: number | undefined): Promise<void> {
  if (isLeaving) return
  isLeaving = true
  const report = await server?.close(drainMs === undefined ? {} : { drainMs })
  say({ kind: 'drained', report }, () => process.exit(0))
}

/** Ends at once, after logging what is cut. */
async function stop(): Promise<void> {
  if (server !== null) await within(server.close({ drainMs: 0 }), stopMs)
  process.exit(0)
}

function hear(message: ToWorker, handle: unknown): void {
  switch (message.kind) {
    case 'peers':
      shared = message.shared
      openListeners = message.listeners
      peers = channelPeers(message.self, message.others, (frame, done) => say(frame, done))
      return
    case 'peer':
      return peers?.receive(message.frame)
    case 'listen':
      waiting.set(message.name, { handle: handle as net.Server, backlog: message.backlog })
      return
    case 'prepare':
      return void prepare(message.ticket, message.source)
    case 'commit':
      return void commit(message.ticket)
    case 'discard':
      return discard()
    case 'ask':
      return void answer(message.ticket, message.what)
    case 'purge':
      // A worker that has no server yet has stored nothing.
      return void answerBy(message.ticket, () => server?.purge?.(message.requests) ?? totalOf([]))
    case 'purge-total':
      return void answerBy(message.ticket, () => server?.purgeTotal?.(message.id) ?? null)
    case 'renew':
      return void answerBy(message.ticket, () => server?.renewCertificates?.(message.names) ?? [])
    case 'explain':
      return void answerBy(message.ticket, () => server?.explain?.(message.request) ?? {})
    case 'warm':
      return void answerBy(message.ticket, () => server?.warm?.(message.order) ?? null)
    case 'drain':
      return void leave(message.drainMs)
    default:
      return void stop()
  }
}

for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)
  process.on(signal, () => {})
process.on('exit', () => server?.stopNow())
process.on('disconnect', () => void leave(undefined))
process.on('message', (message, handle) => hear(message as ToWorker, handle))
say({ kind: 'hello' })
