/**
 * The schema of the whole config: what may be written, how it is checked, and what it means when it is left out. The
 * docs (docs/config.md) and the JSON Schema (schema.json) are made from it.
 *
 * `HeadgateConfig` is what people write, with every short form. `ConfigDocument` is the same, normalised: short forms
 * expanded, defaults filled in, durations in milliseconds, sizes in bytes.
 */
import { z } from 'zod'
import { cacheSchema } from './cache-schema.ts'
import { abuseSchema } from './abuse-schema.ts'
import { httpsSchema } from './https-schema.ts'
import { limitsSchema, timeoutsSchema } from './limits-schema.ts'
import { listenersSchema } from './listener-schema.ts'
import { adminSchema, errorPagesSchema, forwardingSchema, hideSchema, logSchema } from './operation-schema.ts'
import { originSchema } from './origin-schema.ts'
import { count, duration, networks } from './quantities.ts'
import { isOriginName, sitesSchema } from './route-schema.ts'
import { tlsSchema } from './tls-schema.ts'

const originName = z
  .string()
  .refine(isOriginName, 'a name has letters, digits, "_", "-" and ".", and does not begin with "-" or "."')

export const configSchema = z.strictObject({
  $schema: z
    .string()
    .optional()
    .meta({ description: 'For editors: where the JSON Schema is. Otherwise ignored.' }),
  listeners: listenersSchema,
  origins: z
    .record(originName, originSchema)
    .default({})
    .meta({
      description: 'Name → group of servers.',
      samples: [{ app: ['10.0.0.11:3000', '10.0.0.12:3000'] }],
    }),
  sites: sitesSchema,
  tls: tlsSchema,
  https: httpsSchema,
  cache: cacheSchema,
  trustedProxies: networks()
    .prefault([])
    .meta({
      description:
        'Networks of proxies in front, which are believed about X-Forwarded-* and Forwarded. Nobody is believed otherwise.',
      samples: [['10.0.0.0/8', 'fd00::/8']],
    }),
  forwarding: forwardingSchema,
  hide: hideSchema,
  limits: limitsSchema,
  timeouts: timeoutsSchema,
  abuse: abuseSchema,
  halfClose: z
    .boolean()
    .default(false)
    .meta({
      description:
        'A client that ends its side after a whole request: `false` takes it as gone and gives the request up, `true` ' +
        'answers it all the same. While reads are held back neither is noticed at once.',
    }),
  workers: z
    .union([z.literal('auto'), count(1, 1024)])
    .default('auto')
    .meta({
      description: 'Worker processes; `auto`: one for each core. 1 runs in this process and forks nothing.',
    }),
  drainTimeout: duration(0).prefault('30s').meta({
    description: 'How long a stop waits for what is under way; what is left then is cut and counted.',
  }),
  log: logSchema,
  admin: adminSchema,
  errorPages: errorPagesSchema,
  maintenance: z.boolean().default(false).meta({
    description: 'Every request is answered 503 with the error page for it, or ours.',
  }),
})

export type HeadgateConfig = z.input<typeof configSchema>
export type ConfigDocument = z.output<typeof configSchema>
export type { OriginDocument } from './origin-schema.ts'
export type { RouteDocument } from './route-schema.ts'

/**
 * Keys that are planned and not in this version: they are refused by name rather than as unknown or, worse,
 * ignored.
 */
export const futureKeys: ReadonlySet<string> = new Set([
  'files',
  'compress',
  'access',
  'http2',
  'http3',
  'handler',
  'health',
  'proxyProtocol',
  'mirror',
  'sticky',
  'plugins',
])

/** The config, as it stands: for completion and type checks in headgate.config.ts. */
export function defineConfig(config: HeadgateConfig): HeadgateConfig {
  return config
}
