/**
 * One question to a DNS server and its answer: over UDP, sent again when nothing comes; over TCP (RFC 7766) where UDP
 * brings no answer, or where the question or the answer does not fit.
 *
 * Promises: `judge` sees every message that comes from the server's address, forged ones included, and says which is
 * the answer; the time is bounded; nothing stays open.
 */
import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { connect, isIP } from 'node:net'

export interface DnsServerAddress {
  /** The server's address or name. */
  readonly host: string
  readonly port: number
}

export interface DnsTimes {
  /** When the question is sent over UDP, counted from the first time, ascending … */
  readonly sentMs: readonly number[]
  /** … how long an answer is waited for in all … */
  readonly udpMs: number
  /** … and over TCP, connecting included. */
  readonly tcpMs: number
}

/**
 * A server that can be reached answers in a tenth of a second: two packets may be lost before TCP, which
 * repeats them by itself.
 */
export const defaultDnsTimes: DnsTimes = { sentMs: [0, 1500, 3000], udpMs: 5000, tcpMs: 10_000 }

/** Without EDNS a message over UDP has at most so many octets (RFC 1035 §4.2.1). */
export const udpBytesMax = 512

/** What a message is: the answer, not an answer to this question, or one that says to ask over TCP. */
export type Judgement<T> = { readonly answer: T } | 'ignored' | 'truncated'

/**
 * Resolves to what `judge` calls the answer, rejects with what it throws, or with an Error that tells why there is none.
 */
export async function askDnsServer<T>(
  server: DnsServerAddress,
  question: Buffer,
  judge: (message: Buffer) => Judgement<T>,
  signal: AbortSignal,
  times: DnsTimes = defaultDnsTimes,
): Promise<T> {
  const at = await addressOf(server)
  const overUdp = question.length > udpBytesMax ? null : await askOverUdp(at, question, judge, signal, times)
  if (overUdp !== null && 'answer' in overUdp) return overUdp.answer
  return askOverTcp(at, question, judge, AbortSignal.any([signal, AbortSignal.timeout(times.tcpMs)]), signal)
}

async function addressOf({ host, port }: DnsServerAddress): Promise<DnsServerAddress> {
  if (isIP(host) !== 0) return { host, port }
  try {
    return { host: (await lookup(host)).address, port }
  } catch {
    throw new Error(`the name ${host} cannot be looked up`)
  }
}

/** null: nothing came that helps, so TCP is worth a try. */
async function askOverUdp<T>(
  { host, port }: DnsServerAddress,
  question: Buffer,
  judge: (message: Buffer) => Judgement<T>,
  signal: AbortSignal,
  { sentMs, udpMs }: DnsTimes,
): Promise<{ readonly answer: T } | null> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<{ readonly answer: T } | null>()
  const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4')
  const onAbort = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  // Nobody listens there, or the way is blocked: TCP may tell, or work.
  socket.on('error', () => resolve(null))
  socket.on('message', (message) => {
    try {
      const judged = judge(message)
      if (judged === 'truncated') resolve(null)
      else if (judged !== 'ignored') resolve(judged)
    } catch (error) {
      reject(error)
    }
  })
  // The socket is connected, so the kernel drops what does not come from there.
  socket.connect(port, host)
  const timers = [setTimeout(() => resolve(null), udpMs)]
  socket.once('connect', () => {
    for (const ms of sentMs) timers.push(setTimeout(() => socket.send(question, () => {}), ms))
  })
  try {
    return await promise
  } finally {
    for (const timer of timers) clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    socket.close()
  }
}

async function askOverTcp<T>(
  { host, port }: DnsServerAddress,
  question: Buffer,
  judge: (message: Buffer) => Judgement<T>,
  limit: AbortSignal,
  signal: AbortSignal,
): Promise<T> {
  const socket = connect({ host, port, signal: limit })
  const length = Buffer.alloc(2)
  length.writeUInt16BE(question.length)
  socket.write(Buffer.concat([length, question]))
  let kept = Buffer.alloc(0)
  try {
    for await (const bytes of socket) {
      kept = Buffer.concat([kept, bytes as Buffer])
      // Two octets of length before each (RFC 1035 §4.2.2), so it is bounded by what they can say.
      while (kept.length >= 2 && kept.length >= 2 + kept.readUInt16BE(0)) {
        const end = 2 + kept.readUInt16BE(0)
        const judged = judge(kept.subarray(2, end))
        if (typeof judged !== 'string') return judged.answer
        kept = kept.subarray(end)
      }
    }
  } catch (error) {
    if (limit.aborted && !signal.aborted) throw new Error('it does not answer', { cause: error })
    const { code } = error as NodeJS.ErrnoException
    throw code === 'ECONNREFUSED' ? new Error('nobody listens there', { cause: error }) : error
  } finally {
    socket.destroy()
  }
  throw new Error('it closed the connection without an answer')
}
