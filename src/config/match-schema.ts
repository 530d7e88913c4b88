/** The schema of `match`: what a route requires of a request. It is compiled to a Matcher. */
import { z } from 'zod'
import { isFieldName } from '../engine/field-rules.ts'
import { Matcher, type ValueTest } from '../engine/match.ts'
import { compilePath, compileUserRegex, type PathPattern } from '../engine/path-pattern.ts'
import { networks, networksOf } from './quantities.ts'

const pathText = z.string().superRefine((text, context) => {
  const made = compilePath(text)
  if (typeof made === 'string') context.addIssue({ code: 'custom', message: made })
})

export const regexSchema = z.strictObject({
  regex: z
    .string()
    .superRefine((text, context) => {
      const made = compileUserRegex(text)
      if (typeof made === 'string') context.addIssue({ code: 'custom', message: made })
    })
    .meta({
      description:
        'A JavaScript regular expression; not anchored by itself, so write `^` and `$`. `(?i:…)` ignores case.',
      samples: ['^/a/(.*)$'],
    }),
})

const path = z.union([pathText, regexSchema])
const paths = z.union([
  pathText.transform((text) => [text]),
  z.array(path).min(1, 'the list is empty'),
  regexSchema.transform((one) => [one]),
])

const method = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'a method is a token (RFC 9110 §9.1)')
  .refine(
    (text) => text === text.toUpperCase() || !/^[a-z]+$/.test(text),
    'methods are case-sensitive; write it in capitals',
  )

export const valueSchema = z.union([z.boolean(), z.string(), regexSchema])

const fieldNames = z.string().refine(isFieldName, 'this is not a field name (RFC 9110 §5.1)')

const whole = z.strictObject({
  path: paths.optional().meta({
    description:
      '`/a` is this path only, `/a/*` is it and all below (`$1` is the rest), `/u/:name` a segment (`{path.name}`), ' +
      '`*` elsewhere any run inside a segment; `{ regex }` is one; of a list one must match. ' +
      'Asked of the normalised path: dot segments resolved, needless escapes undone.',
    samples: ['/img/*', ['/a', '/b/*'], { regex: '^/a/(\\d+)$' }],
  }),
  method: z
    .union([method.transform((text) => [text]), z.array(method).min(1, 'the list is empty')])
    .optional()
    .meta({
      description: 'One of these methods. GET takes HEAD too (RFC 9110 §9.3.2).',
      samples: ['GET', ['PUT', 'POST']],
    }),
  scheme: z.enum(['http', 'https']).optional().meta({
    description: 'How the client came: over TLS, or as a trusted proxy says (X-Forwarded-Proto, Forwarded).',
  }),
  header: z
    .record(fieldNames, valueSchema)
    .optional()
    .meta({
      description: 'Fields: `true` there, `false` not there, text exactly this value, `{ regex }` a match.',
      samples: [{ 'X-Beta': true, Accept: { regex: 'text/html' } }],
    }),
  query: z
    .record(z.string(), valueSchema)
    .optional()
    .meta({
      description: 'Query parameters, decoded; asked as `header` does.',
      samples: [{ preview: 'on' }],
    }),
  client: networks()
    .optional()
    .meta({
      description: 'The client is in one of these networks.',
      samples: ['10.0.0.0/8', ['192.0.2.7', 'fd00::/8']],
    }),
})

export const matchSchema = z
  .union([
    pathText.transform((text): z.output<typeof whole> => ({ path: [text] })),
    z
      .array(path)
      .min(1, 'the list is empty')
      .transform((path): z.output<typeof whole> => ({ path })),
    whole.transform((all): z.output<typeof whole> => all),
  ])
  .meta({
    description:
      'What of a request the route asks for; all that is written must hold. As text or list: the path. ' +
      'Left out: everything.',
    samples: ['/img/*', { path: '/api/*', method: ['GET', 'POST'] }],
  })

export type MatchOptions = z.output<typeof matchSchema>

export function compileMatch(options: MatchOptions | undefined): Matcher {
  return new Matcher({
    paths: (options?.path ?? []).map(requirePath),
    methods: options?.method ?? [],
    scheme: options?.scheme ?? '',
    fields: testsOf(options?.header, true),
    queries: testsOf(options?.query, false),
    clients: options?.client === undefined ? null : networksOf(options.client),
  })
}

function requirePath(source: string | { regex: string }): PathPattern {
  const made = compilePath(source)
  if (typeof made === 'string') throw new Error(made)
  return made
}

function testsOf(
  tests: Record<string, z.output<typeof valueSchema>> | undefined,
  isField: boolean,
): ValueTest[] {
  return Object.entries(tests ?? {}).map(([name, wanted]) => ({
    name: isField ? name.toLowerCase() : name,
    wanted: typeof wanted === 'object' ? new RegExp(wanted.regex) : wanted,
  }))
}
