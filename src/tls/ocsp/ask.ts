/** One question to a responder over HTTP (RFC 6960 appendix A.1), bounded in time and length. */
import { request } from 'node:http'
import { OcspError } from './answer.ts'

/** A responder serves prepared answers: one that has not in this time is taken as not there. */
export const answerMsMax = 10_000
/** An answer has one to four KiB, by the certificate that comes along. */
export const answerBytesMax: number = 64 * 1024

/** Rejects with an OcspError that names the responder's host. */
export async function ask(url: string, body: Buffer): Promise<Buffer> {
  const { host } = new URL(url)
  try {
    return await exchange(url, body)
  } catch (error) {
    const { name, message } = error as Error
    const why = name === 'AbortError' ? `nothing came in ${answerMsMax / 1000} s` : message
    throw new OcspError(`${host} does not answer: ${why}`)
  }
}

function exchange(url: string, body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, {
      method: 'POST',
      agent: false,
      signal: AbortSignal.timeout(answerMsMax),
      headers: {
        'content-type': 'application/ocsp-request',
        'content-length': body.length,
        'user-agent': 'headgate',
      },
    })
    asked.on('error', reject)
    asked.on('response', (answer) => {
      const pieces: Buffer[] = []
      let length = 0
      answer.on('data', (piece: Buffer) => {
        length += piece.length
        if (length > answerBytesMax)
          answer.destroy(new Error(`its answer has more than ${answerBytesMax} bytes`))
        else pieces.push(piece)
      })
      answer.on('error', reject)
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(Buffer.concat(pieces))
        else reject(new Error(`status ${answer.statusCode}`))
      })
    })
    asked.end(body)
  })
}
