/** A column of the matrix: a client's protocol against every origin's. */
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { createServer, type HeadgateServer } from '../../src/index.ts'
import { authority, makeIdentity } from '../unit/net/tls-identity.ts'
import type { Case } from './matrix-cases.ts'
import { clients, edgeHost, type ClientName, type MatrixClient } from './matrix-clients.ts'
import { originHost, origins, type MatrixOrigin, type OriginName } from './matrix-origins.ts'

const tls = { certificates: [await makeIdentity([edgeHost])] }

function protocolsOf(client: ClientName): object {
  return client.endsWith('TLS') ? { tls, http3: client === 'H3 TLS' } : {}
}

/** `casesFor`: by name, those that hold with this origin. */
export function testColumn(
  clientName: ClientName,
  casesFor: (origin: OriginName) => Readonly<Record<string, Case>>,
): void {
  for (const originName of Object.keys(origins) as OriginName[])
    describe(`a client of ${clientName} and an origin of ${originName}`, () => {
      let origin: MatrixOrigin
      let server: HeadgateServer
      let client: MatrixClient
      before(async () => {
        origin = await origins[originName]()
        server = await createServer({
          listeners: [{ host: '127.0.0.1', port: 0, ...protocolsOf(clientName) }],
          origins: { app: { servers: origin.url, tls: { ca: authority, serverName: originHost } } },
          sites: { '*': [{ origin: 'app' }] },
          // Client, edge and origin share a process, and perhaps a machine with many others.
          timeouts: { connect: '30s' },
          log: { access: false },
        })
        await server.listen()
      })
      after(async () => {
        origin.close()
        await server.close({ drainMs: 0 })
      })
      beforeEach(async () => {
        client = await clients[clientName](server.addresses[0]?.port ?? 0)
      })
      afterEach(() => client.close())
      for (const [name, run] of Object.entries(casesFor(originName)))
        test(name, { timeout: 120_000 }, async () => {
          const ports = [server.addresses[0]?.port ?? 0, Number(new URL(origin.url).port)]
          await run({ client, origin, ports })
        })
    })
}
