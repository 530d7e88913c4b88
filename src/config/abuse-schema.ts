/** The schema of `abuse`: which clients are turned away for a while because their connections had to be cut off. */
import { z } from 'zod'
import type { AbusePlan } from '../engine/plan.ts'
import { count, duration, networks, networksOf } from './quantities.ts'

const rules = z
  .strictObject({
    offencesMax: count(1, 10_000).default(8).meta({
      description:
        'Connections of one client, cut off for a flood, that are not held against it. A browser causes none; 8: many may be behind one address.',
    }),
    window: duration(1000)
      .prefault('1m')
      .meta({ description: 'In how long all of them are forgiven, one after the other.' }),
    ban: duration(1000).prefault('10s').meta({
      description: 'How long a client is turned away the first time; each time again twice as long.',
    }),
    banMax: duration(1000).prefault('10m').meta({
      description:
        'The longest that a client is turned away; after as long without, the times before are forgotten.',
    }),
    exempt: networks()
      .prefault([])
      .meta({
        description:
          'Networks that are never turned away: of load generators, say. `trustedProxies` and the peers of `proxyProtocol` never are.',
        samples: [['10.0.0.0/8']],
      }),
  })
  .refine(({ ban, banMax }) => ban <= banMax, { path: ['banMax'], message: 'is shorter than `ban`' })

export const abuseSchema = z
  .union([z.literal(false), rules])
  .prefault({})
  .meta({
    description:
      'Clients (IPv4 addresses, IPv6 networks of 64 bits) whose connections were cut off for floods are turned away as they come, before TLS, for a while. `false`: nobody is.',
    samples: [{ ban: '1m' }],
  })

export function abusePlan(document: z.output<typeof abuseSchema>): AbusePlan | null {
  if (document === false) return null
  const exempt = networksOf(document.exempt)
  return {
    offencesMax: document.offencesMax,
    windowMs: document.window,
    banMs: document.ban,
    banMsMax: document.banMax,
    isExempt: (address) => exempt.has(address),
  }
}
