/**
 * Attackers, as a process of their own and with the least right to the processor, so that what others see is what the attack
 * makes of the server and not of the machine: `h2-attack-program.ts PORT FROM WHAT MS`. They come from the address FROM, from
 * four connections at once, and again as soon as they are sent away. Says in JSON how often they came and were cut off.
 */
import { connect } from 'node:net'
import { setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { clientPreface, Flag, FrameType } from '../../src/h2/frames.ts'
import { frame, furtherAttacks, knownAttacks } from './h2-attack-list.ts'

const [port = '', from = '', what = '', ms = ''] = process.argv.slice(2)
const attack = [...knownAttacks, ...furtherAttacks].find((one) => one.what === what)
if (attack === undefined) throw new Error(`there is no attack "${what}"`)
setPriority(19)

const first = Buffer.concat([clientPreface, frame(FrameType.SETTINGS, 0, 0, attack.settings ?? '')])
const rest = Buffer.concat([frame(FrameType.SETTINGS, Flag.ACK, 0), attack.bytes])
const endMs = performance.now() + Number(ms)
let came = 0
let cuts = 0

async function attackOn(): Promise<void> {
  while (performance.now() < endMs) {
    const socket = connect({ port: Number(port), host: '127.0.0.1', localAddress: from })
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => {}).on('data', () => {})
    socket.write(first)
    socket.write(rest)
    came++
    const late = new AbortController()
    const { signal } = late
    await Promise.race([
      closed,
      sleep(Math.max(0, endMs - performance.now()), null, { signal }).catch(() => {}),
    ])
    late.abort()
    if (socket.destroyed) cuts++
    socket.destroy()
  }
}

await Promise.all([attackOn(), attackOn(), attackOn(), attackOn()])
process.stdout.write(JSON.stringify({ came, cuts }) + '\n')
