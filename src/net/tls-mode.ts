/**
 * Decides how this process speaks TLS: 'wrap' when everything that tls-wrap.ts uses works here, else 'socket'. A
 * self-test decides: a handshake over loopback, bytes both ways, and an end (about 5 ms, once, and only where TLS is
 * used).
 */
import { createSecureContext, type SecureContext } from 'node:tls'
import { holdsOnLoopback } from './loopback-pair.ts'
import { readBuffer, type CarrierSocket } from './node-handle.ts'
import { chooseSockets } from './socket-mode.ts'
import type { TlsEngineOwner, TlsRole } from './tls-engine.ts'
import { findTlsWrap, lowerHandleOf } from './tls-wrap.ts'
import { WrapEngine } from './tls-wrap-engine.ts'

export type TlsMode = 'wrap' | 'socket'

const testMsMax = 3000

let chosen: Promise<TlsMode> | null = null
let current: TlsMode = 'socket'

/** What `chooseTls` found; 'socket' before it has. */
export function tlsMode(): TlsMode {
  return current
}

/** Runs the self-test, once in a process. HEADGATE_PLAIN_SOCKETS=1 decides without it. */
export function chooseTls(): Promise<TlsMode> {
  chosen ??= chooseSockets()
    .then((mode) => mode === 'handle' && holdsOnLoopback(testMsMax, exchange))
    .then((isGood) => (current = isGood ? 'wrap' : 'socket'))
  return chosen
}

/** Nobody shows a certificate: such suites exist for this alone, and are nowhere else allowed. */
function anonymousContext(): SecureContext {
  return createSecureContext({ ciphers: 'AECDH-AES128-SHA:@SECLEVEL=0', maxVersion: 'TLSv1.2', ca: [] })
}

async function exchange(near: CarrierSocket, far: CarrierSocket): Promise<boolean> {
  const nearHandle = lowerHandleOf(near)
  const farHandle = lowerHandleOf(far)
  if (nearHandle === null || farHandle === null || !findTlsWrap(nearHandle)) return false
  const context = anonymousContext()
  const server: TlsRole = {
    isServer: true,
    security: {
      fallback: { context, clientCertificate: 'none' },
      identify: () => null,
      protocols: ['test'],
    },
  }
  const client: TlsRole = {
    isServer: false,
    security: {
      context,
      serverName: '',
      peerName: '',
      verifies: false,
      protocols: ['test'],
      sessions: null,
    },
  }
  return new Promise((resolve) => {
    const answering = new Talker(resolve)
    const asking = new Talker(resolve)
    answering.engine = new WrapEngine(farHandle, readBuffer, server, answering)
    asking.engine = new WrapEngine(nearHandle, readBuffer, client, asking)
    asking.first = 'there'
  })
}

/** Says its word in three writes, hears one, answers it, hears the end. */
class Talker implements TlsEngineOwner {
  engine: WrapEngine | null = null
  first = ''
  #heard = ''
  #unsaid = ''
  #isEnding = false
  readonly #resolve: (isGood: boolean) => void
  constructor(resolve: (isGood: boolean) => void) {
    this.#resolve = resolve
  }
  onSecure(): void {
    if (this.engine?.protocol !== 'test') this.#resolve(false)
    if (this.first !== '') this.#say(this.first)
  }
  #say(text: string): void {
    this.#write(text.slice(0, 1))
    this.#unsaid = text.slice(1)
    // It is held on to until a later turn, and that must show.
    if (this.engine?.mayWrite() !== false) this.#resolve(false)
  }
  /** What is written is overwritten at once: it must have been taken. */
  #write(text: string): void {
    const bytes = Buffer.from(text)
    this.engine?.write(bytes, 0, bytes.length)
    bytes.fill(0)
  }
  onPlain(buffer: Buffer, start: number, end: number): void {
    this.#heard += buffer.toString('latin1', start, end)
    if (this.first === '' && this.#heard === 'there') this.#say('and back')
    if (this.#heard !== 'and back') return
    this.#isEnding = true
    if (this.engine?.mayWrite() === true) this.engine.shutdown()
  }
  onWritten(error: string): void {
    if (error !== '' || this.engine?.mayWrite() !== true) return this.#resolve(false)
    if (this.#unsaid !== '') {
      this.#write(this.#unsaid.slice(0, 1))
      // Nobody asks in this turn, and it must show in the next that it has left.
      setImmediate(setImmediate, () => this.#sayRest())
    } else if (this.#isEnding) this.engine.shutdown()
  }
  #sayRest(): void {
    if (this.engine?.mayWrite() !== true) return this.#resolve(false)
    this.#write(this.#unsaid.slice(1))
    this.#unsaid = ''
  }
  onPlainEnd(): void {
    this.engine?.dispose()
    this.#resolve(this.first === '' && this.#heard === 'there')
  }
  onTruncated(): void {}
  onShutdown(): void {}
  onEngineFailed(): void {
    this.#resolve(false)
  }
}
