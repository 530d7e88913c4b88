/** One question to a responder over HTTP (RFC 6960 appendix A.1), bounded in time and length. */
import type { IncomingMessage } from 'node:http'
import { nodeHttp } from '../../net/node-http.ts'
import { readBytes } from '../answer-bytes.ts'
import { OcspError } from './answer.ts'

/** A responder serves prepared answers: one that has not in this time is taken as not there. */
export const answerMsMax = 10_000
/** An answer has one to four KiB, by the certificate that comes along. */
export const answerBytesMax: number = 64 * 1024

/** Rejects with an OcspError that names the responder's host. */
export async function ask(url: string, body: Buffer, msMax: number = answerMsMax): Promise<Buffer> {
  try {
    return await exchange(url, body, AbortSignal.timeout(msMax))
  } catch (error) {
    const { name, message } = error as Error
    const why = name === 'AbortError' ? `nothing came in ${msMax / 1000} s` : message
    throw new OcspError(`${new URL(url).host} does not answer: ${why}`)
  }
}

async function exchange(url: string, body: Buffer, signal: AbortSignal): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const headers = {
    'content-type': 'application/ocsp-request',
    'content-length': body.length,
    'user-agent': 'headgate',
  }
  const asked = nodeHttp.request(url, { method: 'POST', agent: false, signal, headers }, resolve)
  asked.on('error', reject)
  asked.end(body)
  const answer = await promise
  if (answer.statusCode === 200) return readBytes(answer, answerBytesMax)
  answer.destroy()
  throw new Error(`status ${answer.statusCode}`)
}
