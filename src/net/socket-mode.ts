/**
 * Decides how this process uses sockets: 'handle' when all the undocumented features of node-handle.ts work here,
 * else 'plain'. A self-test decides, with one real loopback connection over which each of them is used once (2 ms).
 */
import { holdsOnLoopback } from './loopback-pair.ts'
import { descriptorOf, writeDirectly, type CarrierSocket, type SocketMode } from './node-handle.ts'

/** A machine whose loopback takes longer has no use for the faster way either. */
const testMsMax = 2000

let chosen: Promise<SocketMode> | null = null
let current: SocketMode = 'plain'

/** What `chooseSockets` found; 'plain' before it has. */
export function socketMode(): SocketMode {
  return current
}

/** Runs the self-test, once in a process. HEADGATE_PLAIN_SOCKETS=1 decides without it. */
export function chooseSockets(): Promise<SocketMode> {
  const isPlainWanted = (process.env['HEADGATE_PLAIN_SOCKETS'] ?? '0') !== '0'
  chosen ??= (isPlainWanted ? Promise.resolve(false) : holdsOnLoopback(testMsMax, talk)).then((isGood) => {
    current = isGood ? 'handle' : 'plain'
    return current
  })
  return chosen
}

async function talk(near: CarrierSocket, far: CarrierSocket): Promise<boolean> {
  return (await passes(near, far, 'there')) && (await passes(far, near, 'and back'))
}

/** Writes `text` to the descriptor of one socket, and reads it by the carrier of the other. */
async function passes(from: CarrierSocket, to: CarrierSocket, text: string): Promise<boolean> {
  const got = new Promise<string>((resolve) => {
    let seen = ''
    to.carrier = {
      onSocketBytes(buffer, start, end) {
        seen += buffer.toString('latin1', start, end)
        if (seen.length >= text.length) resolve(seen)
      },
    }
  })
  const descriptor = descriptorOf(from)
  if (descriptor < 0) return false
  const bytes = Buffer.from(`[${text}]`)
  // A slice out of the middle, so that offsets are tested too, with a head in front.
  const taken = writeDirectly(from, descriptor, bytes.subarray(1, 2), bytes, 2, bytes.length - 1)
  return taken === text.length && (await got) === text
}
