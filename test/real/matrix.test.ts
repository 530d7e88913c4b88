/**
 * Every client protocol against every origin protocol: the same cases hold in each cell.
 */
import { after, before, describe, test } from 'node:test'
import { createServer, type HeadgateServer } from '../../src/index.ts'
import { cases, type Cell } from './matrix-cases.ts'
import { clients, edgeHost, type ClientName, type MatrixClient } from './matrix-clients.ts'
import { originHost, origins, type MatrixOrigin, type OriginName } from './matrix-origins.ts'
import { authority, makeIdentity } from '../unit/net/tls-identity.ts'

const tls = { certificates: [await makeIdentity([edgeHost])] }

for (const clientName of Object.keys(clients) as ClientName[]) {
  for (const originName of Object.keys(origins) as OriginName[]) {
    describe(`a client of ${clientName} and an origin of ${originName}`, () => {
      let origin: MatrixOrigin
      let server: HeadgateServer
      let client: MatrixClient
      before(async () => {
        origin = await origins[originName]()
        server = await createServer({
          listeners: [{ host: '127.0.0.1', port: 0, ...(clientName.endsWith('TLS') ? { tls } : {}) }],
          origins: { app: { servers: origin.url, tls: { ca: authority, serverName: originHost } } },
          sites: { '*': [{ origin: 'app' }] },
          log: { access: false },
        })
        await server.listen()
        client = clients[clientName](server.addresses[0]?.port ?? 0)
      })
      after(async () => {
        client.close()
        origin.close()
        await server.close({ drainMs: 0 })
      })
      for (const [name, run] of Object.entries(cases))
        test(name, { timeout: 60_000 }, async () => {
          const cell: Cell = { client, origin }
          await run(cell)
        })
    })
  }
}
