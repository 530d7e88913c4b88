/**
 * Every client protocol against every origin protocol: the same cases hold in each cell. (HTTP/3 has a file of its own.)
 */
import { cases } from './matrix-cases.ts'
import { clients, type ClientName } from './matrix-clients.ts'
import { testColumn } from './matrix-column.ts'

for (const clientName of Object.keys(clients) as ClientName[])
  if (clientName !== 'H3 TLS') testColumn(clientName, () => cases)
