/**
 * The schemas of `cache`: of a route, what is stored and under which key; at the top, how much memory there is and
 * who may purge.
 */
import { z } from 'zod'
import { isFieldName } from '../engine/field-rules.ts'
import { compilePath } from '../engine/path-pattern.ts'
import { regexSchema, valueSchema } from './match-schema.ts'
import { count, lifetime, networks, size } from './quantities.ts'

const fieldName = z.string().refine(isFieldName, 'this is not a field name (RFC 9110 §5.1)')

/** Where nothing is matched by a pattern one would be taken for a name that nobody sends. */
const wholeFieldName = fieldName.refine(
  (name) => !name.includes('*'),
  'a field is named in full, without "*"',
)

const cookieName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'this is not the name of a cookie (RFC 6265 §4.1.1)')

const pathText = z.string().superRefine((text, context) => {
  const made = compilePath(text)
  if (typeof made === 'string') context.addIssue({ code: 'custom', message: made })
})
const path = z.union([pathText, regexSchema])
const paths = z.union([
  pathText.transform((text) => [text]),
  z.array(path).min(1, 'the list is empty'),
  regexSchema.transform((one) => [one]),
])

// How long

const status = z.union([
  z
    .int('a status is a whole number')
    .min(200, 'at least 200')
    .max(599, 'at most 599')
    .refine(
      (number) => ![304, 412, 416].includes(number),
      'an answer with this status is never stored: it is about the fields of one request',
    ),
  z.string().regex(/^[2-5]xx$/, 'a status from 200 to 599, or a class as "4xx", is expected'),
])

const languageTag = z
  .string()
  .regex(
    /^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$/,
    'a language tag is expected, such as "en" or "pt-BR" (RFC 5646)',
  )

const contentCoding = z
  .string()
  .regex(/^[\w.+-]+$/, 'the name of a coding is expected, such as "br" or "gzip"')

const wholeMediaType = z
  .string()
  .regex(/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/, 'a media type is expected, such as "image/avif"')

const mediaType = z
  .string()
  .regex(/^[\w!#$&^.+-]+\/([\w!#$&^.+-]+|\*)$/, 'a media type is expected, such as "image/png" or "image/*"')
  .transform((text) => text.toLowerCase())

function oneOrMore<T extends z.ZodType>(item: T) {
  return z.union([item.transform((one) => [one]), z.array(item).min(1, 'the list is empty')])
}

const ttlRule = z.strictObject({
  ttl: lifetime().meta({
    description: 'How long it is fresh; 0: it is not stored.',
    samples: ['1h', 0],
  }),
  status: oneOrMore(status)
    .optional()
    .meta({
      description: 'Statuses or classes of the answer; 200, 203, 204, 206, 300, 301 and 308 when left out.',
      samples: [404, ['4xx', 503]],
    }),
  type: oneOrMore(mediaType)
    .optional()
    .meta({
      description: 'Content-Type of the answer, without parameters.',
      samples: ['image/*', ['text/css']],
    }),
  path: paths.optional().meta({ description: 'The path, as in `match`.', samples: ['/img/*'] }),
  override: z
    .boolean()
    .default(false)
    .meta({
      description:
        'Wins over what the origin says (max-age, s-maxage, Expires); else it counts only where the origin says nothing. ' +
        'What the origin forbids to store or to share is never stored.',
    }),
})

const ttl = z
  .union([
    lifetime().transform((ms): z.output<typeof ttlRule>[] => [{ ttl: ms, override: false }]),
    ttlRule.transform((rule): z.output<typeof ttlRule>[] => [rule]),
    z.array(ttlRule),
  ])
  .meta({
    description:
      'How long answers are fresh where the origin does not say it. Of a list the first rule that fits decides.',
    samples: [
      '1d',
      [
        { type: 'image/*', ttl: '30d', override: true },
        { status: 404, ttl: '1m' },
      ],
    ],
  })

// Under which key

const query = z.union([
  z.enum(['all', 'none']),
  z.array(z.string()).transform((only) => ({ only })),
  z.strictObject({
    only: z.array(z.string()).meta({ description: 'These and no others.', samples: [['id', 'page']] }),
  }),
  z.strictObject({
    without: z.array(z.string()).meta({ description: 'All but these.', samples: [['utm_*', 'fbclid']] }),
  }),
])

const key = z.strictObject({
  query: query.default('all').meta({
    description:
      'Query parameters that tell answers apart: all, none, those of a list, or all without some. A `*` at the end of a ' +
      'name stands for any ending. What is left out is still sent to the origin; what it may take for one that counts ' +
      '(`utm_x=1;id=2`, `id[]`) is not left out.',
    samples: [['id', 'page'], { without: ['utm_*'] }],
  }),
  sortQuery: z.boolean().default(false).meta({
    description: 'Parameters in another order are the same request.',
  }),
  headers: z
    .array(wholeFieldName.transform((name) => name.toLowerCase()))
    .default([])
    .meta({ description: 'Request fields that tell answers apart.', samples: [['X-Tenant']] }),
  cookies: z
    .array(cookieName)
    .default([])
    .meta({
      description: 'Cookies that tell answers apart. `wp_*`: all that begin so.',
      samples: [['currency'], ['wp_*']],
    }),
  device: z.boolean().default(false).meta({
    description: 'Phones, tablets and others apart, by User-Agent.',
  }),
  languages: z
    .array(languageTag)
    .default([])
    .meta({
      description: 'Languages that the site has: the best one for Accept-Language is part of the key.',
      samples: [['en', 'de', 'fr']],
    }),
})

const folded = (item: z.ZodString, of: string, field: string, samples: string[][]) =>
  z
    .array(item)
    .min(1, 'the list is empty')
    .optional()
    .meta({ description: `${of} that the site has, the best first: what ${field} comes to.`, samples })

const vary = z
  .strictObject({
    encodings: folded(contentCoding, 'Encodings', 'Accept-Encoding', [['br', 'gzip']]),
    types: folded(wholeMediaType, 'Media types', 'Accept', [['image/avif', 'image/webp']]),
    languages: folded(languageTag, 'Languages', 'Accept-Language', [['en', 'de']]),
  })
  .meta({
    description:
      'Where an answer varies by these fields (Vary), how what clients send is folded into few values, so that browsers ' +
      'that ask alike share an answer.',
    samples: [{ encodings: ['br', 'gzip'] }],
  })

// What passes by

function allThere(names: readonly string[]): Record<string, z.output<typeof valueSchema>> {
  return Object.fromEntries(names.map((each) => [each, true]))
}

function tests<T extends z.ZodType<string>>(name: T) {
  return z.union([
    name.transform((one) => allThere([one])),
    z.array(name).transform((names) => allThere(names)),
    z.record(name, valueSchema),
  ])
}

const bypass = z
  .strictObject({
    cookie: tests(cookieName)
      .optional()
      .meta({
        description:
          'Cookies: names, or name → what is asked of it, as in `match.header`. `wp_*`: all that begin so.',
        samples: ['session', ['session', 'wp_*'], { debug: 'on' }],
      }),
    header: tests(fieldName)
      .optional()
      .meta({ description: 'Request fields likewise.', samples: ['X-Preview'] }),
    query: tests(z.string())
      .optional()
      .meta({ description: 'Query parameters likewise.', samples: ['nocache'] }),
    path: paths.optional().meta({ description: 'Paths, as in `match`.', samples: ['/account/*'] }),
  })
  .meta({
    description:
      'Requests that are neither answered from the cache nor stored: those for which any of this holds.',
    samples: [{ cookie: 'session', query: 'nocache' }],
  })

/**
 * With smaller slices the requests to the origin cost more than they bring; with larger ones a seek waits for
 * bytes that it does not want.
 */
const sliceBytesMin = 64 * 1024
const sliceBytesMax = 64 * 1024 * 1024

const wholeCache = z.strictObject({
  mode: z
    .enum(['smart', 'rfc'])
    .default('smart')
    .meta({
      description:
        '`smart`: for a cache in front of your own origin: clients cannot force its work, nothing that sets a cookie is ' +
        'stored, and where the origin says nothing only static types are. `rfc`: all that RFC 9111 allows a shared cache.',
    }),
  ttl: ttl.optional(),
  zone: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'a zone is a word of visible ASCII')
    .optional()
    .meta({
      description:
        'Routes of one site share answers only within a zone. When left out: the name of the origin, and a sign for what ' +
        'the route changes in the request (`rewrite`, `headers.request`), so that routes which ask for something else never do.',
      samples: ['assets'],
    }),
  key: key.optional().meta({
    description:
      'What tells answers apart beside the URL that the client asked for (before any rewrite), site and zone.',
    samples: [{ query: { without: ['utm_*'] }, sortQuery: true }],
  }),
  vary: vary.optional(),
  bypass: bypass.optional(),
  minUses: count(1, 1000).default(1).meta({
    description: 'How often a URL is asked for before its answer is stored.',
  }),
  storeQuery: z
    .boolean()
    .default(false)
    .meta({
      description:
        'Answers to QUERY (RFC 10008) are stored, told apart by what the request encloses (up to 64 KiB) and by its ' +
        'Content-Type. Else QUERY passes the cache by.',
    }),
  slice: size(sliceBytesMin, sliceBytesMax)
    .optional()
    .meta({
      description:
        'Fetches and keeps answers in slices of this size, each asked for by Range when somebody needs it: a seek into a ' +
        'film fetches slices, not the film. What fits into one, and what the origin does not give in parts, is kept as a ' +
        'whole. As a whole when left out.',
      samples: ['1MiB'],
    }),
  grace: lifetime()
    .optional()
    .meta({
      description:
        'How long past its freshness an answer is served while it is validated in the background, where the origin does ' +
        'not say it (stale-while-revalidate). 0 when left out.',
      samples: ['10s'],
    }),
  errorGrace: lifetime()
    .optional()
    .meta({
      description:
        'How long past its freshness an answer is served when the origin fails, where the origin does not say it ' +
        '(stale-if-error). 1 day when left out.',
      samples: ['1h'],
    }),
  keep: lifetime()
    .optional()
    .meta({
      description:
        'How long past its freshness an answer is kept to be validated, which spares its body. 7 days when left out.',
      samples: ['1d'],
    }),
  ignoreOrigin: z
    .boolean()
    .default(false)
    .meta({
      description:
        'Cache-Control, Expires and Pragma of the origin count for nothing: only `ttl` decides, and what no rule of it fits is ' +
        'not stored. Dangerous where answers are for one user.',
    }),
  setCookie: z.enum(['refuse', 'strip', 'keep']).optional().meta({
    description:
      'Answers with Set-Cookie: not stored (`smart`), stored without it, or stored with it (`rfc`: everybody gets the same cookie).',
  }),
})

export type RouteCacheDocument = z.output<typeof wholeCache>

export const routeCacheSchema = z
  .union([
    z.literal(false).transform(() => null),
    z.literal(true).transform((): RouteCacheDocument | null => wholeCache.parse({})),
    wholeCache.transform((cache): RouteCacheDocument | null => cache),
  ])
  .meta({
    description:
      'Answers from memory what the origin has said may be shared (RFC 9111), and asks it once for all who want the same. ' +
      'See docs/cache.md.',
    samples: [true, { ttl: '1d', bypass: { cookie: 'session' } }],
  })

const folder = z.string().min(1, 'a folder is expected')

const wholeDisk = z.strictObject({
  path: folder.meta({
    description:
      'The folder, made when it is not there; relative to the config file. Nothing else may use it.',
    samples: ['./var/cache'],
  }),
  size: size(1024 * 1024)
    .prefault('10GiB')
    .meta({ description: 'What all files in it may take together.' }),
})

const diskSchema = z
  .union([z.literal(false), folder.transform((path) => wholeDisk.parse({ path })), wholeDisk])
  .meta({
    description:
      'Keeps what is stored on disk too, where it survives a restart, and where all workers find it. The folder alone, or ' +
      'with a size (10GiB when left out). Memory only when left out; several workers then share a half of `memory` as a folder in ' +
      '`/dev/shm`, where there is one. false: each worker has its own part of memory, and knows nothing of the others.',
    samples: ['./var/cache', { path: '/var/cache/headgate', size: '50GiB' }],
  })

export const cacheSchema = z
  .strictObject({
    memory: size(1024 * 1024)
      .prefault('256MiB')
      .meta({
        description:
          'Memory for what is stored, of all workers together: each has an equal share, of the half when they share the other (see `disk`).',
      }),
    disk: diskSchema.optional(),
    entryMax: size(1)
      .optional()
      .meta({
        description:
          "The largest answer that is stored in memory; an eighth of a worker's share when left out. A larger one is written to " +
          '`disk`, or, without that, passed on to all who wait for it.',
        samples: ['64MiB'],
      }),
    abandoned: z
      .enum(['auto', 'finish', 'abort'])
      .default('auto')
      .meta({
        description:
          'When everybody has left who waited for an answer that is being stored: go on, give it up, or go on when it is ' +
          'at least half there or nearly done.',
      }),
    purge: networks()
      .prefault([])
      .meta({
        description:
          'Networks of clients that may use the method PURGE on routes with a cache. Nobody when left out: then PURGE is a ' +
          'method as any other.',
        samples: ['10.0.0.0/8'],
      }),
  })
  .prefault({})
  .meta({ description: 'The cache that routes with `cache` share.', samples: [{ memory: '1GiB' }] })
