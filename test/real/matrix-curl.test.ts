/**
 * Client protocols against origin protocols again, with clients that are not Node's: curl in each of the main cells, nghttp where it
 * can.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createServer, type HeadgateServer } from '../../src/index.ts'
import { findProgram, needs } from '../programs.ts'
import { authority, makeIdentity } from '../unit/net/tls-identity.ts'
import { makeFolder } from './edge-process.ts'
import { edgeHost } from './matrix-clients.ts'
import { originHost, origins, type MatrixOrigin, type OriginName } from './matrix-origins.ts'
import { PatternCheck, patternAt, patternBytes } from './matrix-pattern.ts'

const tls = { certificates: [await makeIdentity([edgeHost])] }
const uploadBytes = 10 * 1024 * 1024
const largeBytes = 8 * 1024 * 1024

interface Said {
  readonly exit: number
  readonly out: Buffer
}

function run(program: string, args: readonly string[]): Promise<Said> {
  return new Promise((resolve) => {
    const options = { encoding: 'buffer', maxBuffer: 64 * 1024 * 1024, timeout: 50_000 } as const
    execFile(findProgram(program), args, options, (error, out) =>
      resolve({ exit: error === null ? 0 : Number(error.code ?? -1), out }),
    )
  })
}

/** The origins that differ most; the other matrix has them all. */
const mainOrigins: readonly OriginName[] = ['H1 plain', 'H2 TLS']

/** What curl is told beside the URL. */
const protocols: Readonly<Record<string, readonly string[]>> = {
  'H1 plain': ['--http1.1'],
  'H1 TLS': ['--http1.1', '-k'],
  'H2 plain': ['--http2-prior-knowledge'],
  'H2 TLS': ['--http2', '-k'],
}

for (const protocol of Object.keys(protocols)) {
  for (const originName of mainOrigins) {
    describe(`curl by ${protocol} and an origin of ${originName}`, { skip: needs('curl') }, () => {
      const isSecure = protocol.endsWith('TLS')
      let origin: MatrixOrigin
      let server: HeadgateServer
      let url = ''
      before(async () => {
        origin = await origins[originName]()
        server = await createServer({
          listeners: [{ host: '127.0.0.1', port: 0, ...(isSecure ? { tls } : {}) }],
          origins: { app: { servers: origin.url, tls: { ca: authority, serverName: originHost } } },
          sites: { '*': [{ origin: 'app' }] },
          log: { access: false },
        })
        await server.listen()
        const port = server.addresses[0]?.port ?? 0
        url = `${isSecure ? 'https' : 'http'}://${edgeHost}:${port}`
      })
      after(async () => {
        origin.close()
        await server.close({ drainMs: 0 })
      })

      const curl = (path: string, ...args: string[]): Promise<Said> => {
        const port = new URL(url).port
        const always = ['-q', '-sS', '--noproxy', '*', '--resolve', `${edgeHost}:${port}:127.0.0.1`]
        return run('curl', [...always, ...(protocols[protocol] ?? []), ...args, url + path])
      }

      test('GET, HEAD, trailers and hints', async () => {
        const { out } = await curl('/get', '-w', ' %{http_version} %{response_code}')
        assert.equal(out.toString(), `hello ${protocol.startsWith('H2') ? '2' : '1.1'} 200`)
        assert.match((await curl('/get', '-I')).out.toString(), /content-length: 5\r\n/i)
        const trailed = await curl('/trailers', '-D', '-', '-H', 'TE: trailers')
        assert.match(trailed.out.toString(), /counted[^]*x-sum: 7|x-sum: 7[^]*counted/i)
        assert.match((await curl('/hints', '-D', '-')).out.toString(), /^HTTP\/\S+ 103 [^]*hinted$/)
      })

      test('an upload of 10 MB, with a length and without', async (t) => {
        const file = join(makeFolder(t), 'body')
        const body = patternAt(0, patternBytes)
        const whole = Buffer.concat(Array.from({ length: uploadBytes / patternBytes }, () => body))
        writeFileSync(file, whole)
        const sha256 = createHash('sha256').update(whole).digest('hex')
        for (const args of [
          ['--data-binary', `@${file}`],
          ['-T', file, '-H', 'Content-Length:', '-H', 'Transfer-Encoding: chunked'],
        ]) {
          const { out } = await curl('/upload', '-X', 'POST', ...args)
          assert.deepEqual(JSON.parse(out.toString()), { bytes: whole.length, sha256, trailer: '' })
        }
      })

      test('a large download, and one that breaks off', async () => {
        const { exit, out } = await curl(`/large?bytes=${largeBytes}`)
        assert.deepEqual([exit, out.length], [0, largeBytes])
        new PatternCheck().take(out)
        assert.notEqual((await curl('/cut')).exit, 0)
      })

      // It speaks HTTP/2 alone, and trusts nobody's certificates but the system's.
      if (protocol === 'H2 plain')
        test('nghttp gets many at once', { skip: needs('nghttp') }, async () => {
          const at = url.replace(edgeHost, '127.0.0.1')
          const urls = Array.from({ length: 40 }, (_, i) => `${at}/get?${i}`)
          const { exit, out } = await run('nghttp', ['-n', '-s', ...urls])
          assert.deepEqual([exit, out.toString().match(/ 200 /g)?.length], [0, 40])
        })
    })
  }
}
