/**
 * Before anything is measured: every proxy must give the bodies that the origin has, and pass on the fields that all of
 * them are set up to send, so that none is fast by doing less.
 */
import { get } from 'node:http'
import { get as getSecurely } from 'node:https'
import { bodyOf, bodySizes } from './origin.ts'

interface Fetched {
  readonly status: number
  readonly body: Buffer
}

export function fetchBody(port: number, path: string, isSecure = false): Promise<Fetched> {
  return new Promise((resolve, reject) => {
    // The certificate is the bench's own.
    const where = { host: '127.0.0.1', port, path, agent: false, rejectUnauthorized: false }
    const sent = (isSecure ? getSecurely : get)(where, (answer) => {
      const parts: Buffer[] = []
      answer.on('data', (part: Buffer) => parts.push(part))
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(parts) }))
      answer.once('error', reject)
    })
    sent.setTimeout(10_000, () => sent.destroy(new Error('no answer')))
    sent.once('error', reject)
  })
}

/** What is wrong with the bodies that come through `port`; '' for nothing. */
export async function verifyBodies(port: number, isSecure: boolean): Promise<string> {
  for (const path of Object.keys(bodySizes)) {
    const { status, body } = await fetchBody(port, path, isSecure)
    if (status !== 200) return `${path} gave ${status}`
    if (!body.equals(bodyOf(path))) return `${path} gave another body`
  }
  return ''
}

/** Names of the forwarding fields that do not reach the origin behind `port`. */
export async function missingFields(port: number, isSecure: boolean): Promise<string[]> {
  const { body } = await fetchBody(port, '/seen', isSecure)
  const lines = body.toString('latin1').trim().split('\n')
  return lines.filter((line) => line.endsWith('=')).map((line) => line.slice(0, -1))
}

/** Does what is behind `port` keep what it may keep? '' when it does. */
export async function verifyKeeping(port: number, isSecure: boolean): Promise<string> {
  const first = await fetchBody(port, '/kept/now', isSecure)
  const second = await fetchBody(port, '/kept/now', isSecure)
  return first.body.equals(second.body) ? '' : 'the origin was asked for what may be kept'
}
