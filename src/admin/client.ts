/** Asks one question of a running server's admin listener, for the commands `reload`, `purge`, `stop` and `status`. */
import { nodeHttp } from '../net/node-http.ts'
import { readAdminAddress } from './address.ts'

export interface AdminReply {
  readonly status: number
  readonly text: string
}

/** Long enough for a reload of a large config on a slow disk, with room to spare. */
const answerMs = 60_000

/** Rejects with the system's error when nobody listens there. */
export function askAdmin(
  listen: string,
  method: 'GET' | 'POST',
  path: string,
  body = '',
): Promise<AdminReply> {
  const address = readAdminAddress(listen)
  const where =
    address.path === '' ? { host: address.host, port: address.port } : { socketPath: address.path }
  return new Promise((resolve, reject) => {
    const request = nodeHttp.request(
      { ...where, method, path, agent: false, timeout: answerMs },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (piece: string) => (text += piece))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
        response.on('error', reject)
      },
    )
    request.on('timeout', () => request.destroy(new Error('the server did not answer')))
    request.on('error', reject)
    request.end(body)
  })
}
