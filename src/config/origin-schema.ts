/** The schema of `origins`: named groups of servers, and how they are reached. */
import { z } from 'zod'
import { defaultTuning, type PolicyName } from '../origin/options.ts'
import { policyNames } from '../origin/policies.ts'
import { weightMax } from '../origin/policy.ts'
import { parseServerUrl } from '../origin/server-url.ts'
import { originTimeoutsSchema } from './limits-schema.ts'
import { originHideSchema } from './operation-schema.ts'
import { count, duration, size } from './quantities.ts'
import { originTlsSchema } from './tls-schema.ts'
import { durationText } from './units.ts'

/** The address of a server. */
export const serverUrl = z
  .string()
  .superRefine((text, context) => {
    const parsed = parseServerUrl(text)
    if (typeof parsed === 'string') context.addIssue({ code: 'custom', message: parsed })
  })
  .meta({ title: 'server' })

const server = z
  .union([
    serverUrl.transform((url): { url: string; weight: number } => ({ url, weight: 1 })),
    z.strictObject({
      url: serverUrl.meta({
        description:
          '`http://host:port`, `https://host:port`, `host:port` or `unix:/path`; `h2c://host:port` and `unix+h2c:/path` for ' +
          'HTTP/2 without TLS, as servers of gRPC speak it. It has no path (use `rewrite`).',
        samples: ['http://10.0.0.12:3000'],
      }),
      weight: count(1, weightMax).default(1).meta({ description: 'Its share of the requests.' }),
    }),
  ])
  .meta({ title: 'server' })

const servers = z
  .union([
    serverUrl.transform((url) => [{ url, weight: 1 }]),
    z.array(server).min(1, 'an origin needs at least one server'),
  ])
  .superRefine((list, context) => {
    const seen = new Map<string, number>()
    for (const [i, { url }] of list.entries()) {
      const before = seen.get(url)
      if (before !== undefined) {
        const message = `${url} is written twice (see [${before}]); use "weight" to give it a larger share`
        context.addIssue({ code: 'custom', path: [i], message })
      }
      seen.set(url, i)
    }
  })

const hostHeader = z
  .string()
  .refine(
    (text) =>
      text === 'client' ||
      text === 'origin' ||
      /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/.test(text),
    '"client", "origin" or a host name is expected',
  )

const policy = z.enum(policyNames as [PolicyName, ...PolicyName[]])

const whole = z.strictObject({
  servers: servers.meta({
    description: 'The servers, each of which can answer every request of this origin.',
    samples: [['http://10.0.0.11:3000', { url: 'http://10.0.0.12:3000', weight: 2 }]],
  }),
  balance: policy.default(defaultTuning.policy).meta({
    description: 'Which server is next: in turn, or the one with the fewest requests under way (by weight).',
  }),
  hostHeader: hostHeader.default('client').meta({
    description:
      'Host that the server sees: the one the client asked for, that of the server, or a fixed name.',
    samples: ['client', 'origin', 'app.internal'],
  }),
  retries: count(0, 10)
    .default(1)
    .meta({
      description:
        'Further attempts after a fault, only where it is safe: nothing was sent, or a reused idle connection died ' +
        'under an idempotent request before the first byte.',
    }),
  retryBodyBytesMax: size(0, 64 * 1024 ** 2)
    .prefault('64KiB')
    .meta({
      description: 'A body up to this size is kept, so that an idempotent request can be sent again with it.',
    }),
  proxyProtocol: z
    .enum(['v1', 'v2'])
    .optional()
    .meta({
      description:
        'Tells the servers who the client is by a PROXY protocol header of this version, before anything else on each ' +
        'connection. They must expect it. Connections are then not shared by clients: one that was made for a client (address ' +
        'and port) serves nobody else.',
    }),
  upgrade: z.boolean().default(true).meta({
    description: 'Passes Upgrade on: WebSocket and any other protocol but HTTP itself.',
  }),
  tls: originTlsSchema.optional().meta({
    description:
      'TLS to servers that are given as `https://`. Their certificates are verified unless it says otherwise.',
    samples: [{ ca: './tls/internal-ca.crt', serverName: 'app.internal' }],
  }),
  http2: z
    .boolean()
    .default(defaultTuning.http2)
    .meta({
      description:
        'Offers HTTP/2 to servers that are given as `https://`, who choose; `false` speaks HTTP/1.1 with them. Without TLS the ' +
        'address says it: `h2c://`.',
    }),
  hide: originHideSchema.optional().meta({ description: 'What differs from `hide` at the top.' }),
  timeouts: originTimeoutsSchema
    .optional()
    .meta({ description: 'Deadlines that differ from those at the top.' }),
  keepAlive: duration(0)
    .prefault(durationText(defaultTuning.idleMs))
    .meta({
      description:
        'How long an idle connection is kept; less when the server says so in `Keep-Alive: timeout=`. ' +
        '4s: a Node server closes after 5, and who closes later loses the race.',
    }),
  connectionAgeMax: duration(0)
    .prefault(durationText(defaultTuning.connectionAgeMaxMs))
    .meta({
      description:
        'A connection older than this is closed when it comes back rather than kept, so that new machines behind one ' +
        'address get their share. 0: no bound.',
    }),
  connectionsMax: count(0, 65_535)
    .default(defaultTuning.connectionsMax)
    .meta({
      description:
        'Connections of one worker to one server, WebSockets included; further requests wait. 0: no bound. ' +
        'The default of three workers stays below the 28,232 local ports that Linux has for one destination.',
    }),
  connectingMax: count(1, 65_535).default(defaultTuning.connectingMax).meta({
    description: 'Connections of one worker to one server being made at a time.',
  }),
  waitingMax: count(0, 1_000_000).default(defaultTuning.waitingMax).meta({
    description: 'Requests of one worker that may wait for a connection; beyond, 503.',
  }),
  wait: duration(1)
    .prefault(durationText(defaultTuning.waitMs))
    .meta({ description: 'How long a request may wait for a connection.' }),
  passOver: z
    .strictObject({
      min: duration(1)
        .prefault(durationText(defaultTuning.passOverMinMs))
        .meta({ description: 'How long a server that faulted gets no requests at first.' }),
      max: duration(1)
        .prefault(durationText(defaultTuning.passOverMaxMs))
        .meta({ description: 'The longest; it doubles with each further fault.' }),
      knock: duration(0).prefault(durationText(defaultTuning.knockMs)).meta({
        description: 'How often a connection to such a server is tried without risking a request. 0: never.',
      }),
    })
    .refine((passOver) => passOver.min <= passOver.max, '"min" is longer than "max"')
    .prefault({})
    .meta({ description: 'How servers that fault are passed over.' }),
  resolve: z
    .strictObject({
      ttlMin: duration(0)
        .prefault(durationText(defaultTuning.ttlMinMs))
        .meta({ description: 'A name is not resolved again sooner than this, whatever its TTL.' }),
      ttlMax: duration(1000)
        .prefault(durationText(defaultTuning.ttlMaxMs))
        .meta({ description: 'Nor later than this.' }),
    })
    .refine((resolve) => resolve.ttlMin <= resolve.ttlMax, '"ttlMin" is longer than "ttlMax"')
    .prefault({})
    .meta({ description: 'How often servers that are given by name are looked up.' }),
})

type Whole = z.output<typeof whole>

/** The long form of an origin that is only a URL or a list of servers. */
export function originFromServers(list: z.input<typeof servers>): Whole {
  return whole.parse({ servers: list })
}

export const originSchema = z
  .union([servers.transform((list): Whole => originFromServers(list)), whole.transform((all): Whole => all)])
  .meta({
    description: 'A group of servers. As text: one server; as a list: several.',
    samples: [
      'http://127.0.0.1:3000',
      { servers: ['10.0.0.11:3000', '10.0.0.12:3000'], balance: 'least-requests' },
    ],
  })

export type OriginDocument = Whole
