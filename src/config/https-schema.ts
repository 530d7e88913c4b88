/** The schema of `https`: one switch for what keeps clients on HTTPS. */
import { z } from 'zod'
import type { ListenerPlan } from '../engine/plan.ts'
import type { HttpsOptions } from '../handlers/https.ts'
import { count, lifetime } from './quantities.ts'

const yearMs = 365 * 86_400_000

const hsts = z.strictObject({
  maxAge: lifetime().default(yearMs).meta({ description: 'How long browsers ask for nothing but HTTPS.' }),
  includeSubDomains: z.boolean().default(false).meta({ description: 'Names below the host as well.' }),
  preload: z.boolean().default(false).meta({
    description: 'Agrees to be built into browsers. It takes months to come out again.',
  }),
})

const long = z.strictObject({
  redirect: z
    .union([z.literal(false), z.literal(301), z.literal(302), z.literal(307), z.literal(308)])
    .default(308)
    .meta({ description: 'Status for requests without TLS; `false` serves them.' }),
  port: count(1, 65_535).optional().meta({
    description:
      'Port that they are sent to; left out: 443 where a listener with TLS has it, else that of the first.',
  }),
  hsts: z
    .union([
      z.literal(false),
      lifetime().transform((maxAge) => ({ maxAge, includeSubDomains: false, preload: false })),
      hsts,
    ])
    .prefault({})
    .meta({
      description:
        'Strict-Transport-Security on answers over TLS (RFC 6797): a duration, an object, or `false`.',
      samples: ['1y', { maxAge: '1y', includeSubDomains: true }],
    }),
})

export const httpsSchema = z
  .union([z.boolean().transform((on) => (on ? long.parse({}) : null)), long])
  .default(null)
  .meta({
    description:
      'Keeps clients on HTTPS: requests without TLS are redirected, answers over TLS carry Strict-Transport-Security. On ' +
      'every route of every site; a field that an origin or `headers` sets stays.',
    samples: [true, { hsts: '30d' }],
  })

/** null: it is off. */
export function httpsOptions(
  https: z.output<typeof httpsSchema>,
  listeners: readonly ListenerPlan[],
): HttpsOptions | null {
  if (https === null) return null
  const ports = listeners.filter(({ tls }) => tls != null).map(({ port }) => port)
  const port = https.port ?? (ports.includes(443) ? 443 : ports.find((one) => one !== 0)) ?? 443
  return { redirectStatus: https.redirect === false ? 0 : https.redirect, port, hsts: hstsValue(https.hsts) }
}

function hstsValue(policy: false | z.output<typeof hsts>): string {
  if (policy === false) return ''
  const { maxAge, includeSubDomains, preload } = policy
  const more = `${includeSubDomains ? '; includeSubDomains' : ''}${preload ? '; preload' : ''}`
  return `max-age=${Math.floor(maxAge / 1000)}${more}`
}
