/** What Node and our transport cost without HTTP: the floor under Headgate's figure for a hit (bench/floor-server.ts). */
import { fileURLToPath } from 'node:url'
import type { Peer } from './peer.ts'

const program = fileURLToPath(new URL('../floor-server.ts', import.meta.url))

export const floor: Peer = {
  name: 'floor (no HTTP)',
  family: 'floor',
  logs: false,
  missing: () => '',
  version: () => process.version,
  command: ({ port }) => ({ program: process.execPath, args: [program, String(port)] }),
}
