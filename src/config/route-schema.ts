/** The schemas of `sites` and their routes: which host and which request goes where. */
import { z } from 'zod'
import { headersSchema } from '../handlers/headers.ts'
import { redirectSchema } from '../handlers/redirect.ts'
import { respondSchema } from '../handlers/respond.ts'
import { rewriteSchema } from '../handlers/rewrite.ts'
import { parseServerUrl } from '../origin/server-url.ts'
import { routeCacheSchema } from './cache-schema.ts'
import { hostProblem } from './host-names.ts'
import { routeLimitsSchema, routeTimeoutsSchema } from './limits-schema.ts'
import { matchSchema } from './match-schema.ts'

/** Is it the name of an origin? Anything else in its place is the address of a server. */
export function isOriginName(text: string): boolean {
  return /^[A-Za-z0-9_][\w.-]*$/.test(text)
}

const originReference = z
  .string()
  .superRefine((text, context) => {
    if (isOriginName(text)) return
    const parsed = parseServerUrl(text)
    if (typeof parsed === 'string') context.addIssue({ code: 'custom', message: parsed })
  })
  .meta({
    description: 'The end of a route that asks an origin: its name, or the address of a server.',
    samples: ['app', 'http://127.0.0.1:3000'],
  })

export const endMissing = 'a route needs an end: "origin", "redirect" or "respond"'

const ends = ['origin', 'redirect', 'respond', 'maintenance'] as const

export const routeSchema = z
  .strictObject({
    match: matchSchema.optional(),
    rewrite: rewriteSchema.optional(),
    headers: headersSchema.optional(),
    cache: routeCacheSchema.optional(),
    origin: originReference.optional(),
    redirect: redirectSchema.optional(),
    respond: respondSchema.optional(),
    maintenance: z.boolean().optional().meta({
      description:
        'Answers 503 with the error page for it, or ours, instead of the end that is written beside it.',
    }),
    timeouts: routeTimeoutsSchema.optional().meta({
      description: 'Deadlines that differ from those of the origin and of the top.',
      samples: [{ firstByte: '5m' }],
    }),
    limits: routeLimitsSchema.optional().meta({ description: 'Bounds that differ from those at the top.' }),
  })
  .superRefine((route, context) => {
    const written = ends.filter((end) => end !== 'maintenance' && route[end] !== undefined)
    if (written.length > 1) {
      const message = `a route has one end, this one has ${written.length}: ${written.join(' and ')}`
      context.addIssue({ code: 'custom', path: [written[1] as string], message })
    }
    if (written.length === 0 && route.maintenance !== true) {
      context.addIssue({ code: 'custom', message: endMissing })
    }
    if (route.rewrite !== undefined && written.length === 1 && route.origin === undefined) {
      const message = `"rewrite" changes what an origin is asked for; it does nothing before "${written[0]}"`
      context.addIssue({ code: 'custom', path: ['rewrite'], message })
    }
    if (
      route.cache !== undefined &&
      route.cache !== null &&
      written.length === 1 &&
      route.origin === undefined
    ) {
      const message = `"cache" keeps what an origin answers; it does nothing before "${written[0]}"`
      context.addIssue({ code: 'custom', path: ['cache'], message })
    }
  })
  .meta({
    description:
      'A route: what it matches, steps, and one end. Steps run in this order however they are written: ' +
      'rewrite, headers, cache, then the end.',
    samples: [{ match: '/api/*', rewrite: { stripPrefix: '/api' }, origin: 'app' }],
  })

export type RouteDocument = z.output<typeof routeSchema>

const siteKey = z.string().superRefine((key, context) => {
  const problem = hostProblem(key)
  if (problem !== '') context.addIssue({ code: 'custom', message: problem })
})

const site = z.union([
  originReference.transform((origin): RouteDocument[] => [{ origin }]),
  z.array(routeSchema),
  routeSchema.transform((route): RouteDocument[] => [route]),
])

export const sitesSchema = z
  .record(siteKey, site)
  .default({})
  .meta({
    description:
      'Host → routes; the first route that matches wins, in the order written. A key is a host, `*.example.com` (every ' +
      'name below it, at any depth), `*` (every other host), or several with commas. The most specific site alone is ' +
      'asked: what none of its routes takes is answered 404 and logged. As text: everything goes to that origin.',
    samples: [
      {
        'www.example.com': [{ match: '/old/*', redirect: '/new/$1' }, { origin: 'app' }],
        '*': [{ respond: 404 }],
      },
    ],
  })
