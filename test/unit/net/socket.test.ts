/** The shared suite over Node's sockets, in both ways and on each kind of address. */
import { test } from 'node:test'
import { hasIPv6, socketWorld } from './pairs.ts'
import { transportSuite } from './transport-suite.ts'

for (const mode of ['handle', 'plain'] as const) {
  for (const where of ['ipv4', 'ipv6', 'unix'] as const) {
    if (where !== 'ipv6' || hasIPv6()) transportSuite(socketWorld(mode, where))
    else test(`ipv6 socket, ${mode}`, { skip: 'this machine has no IPv6' })
  }
}
