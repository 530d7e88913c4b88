/**
 * The schemas of `log`, `admin`, `errorPages`, `forwarding` and `hide`: how the program is run, what it tells origins
 * about clients, and what it keeps from clients about origins.
 */
import { z } from 'zod'
import { isFieldName } from '../engine/field-rules.ts'
import { defaultRedactQuery } from '../engine/redaction.ts'
import { defaultHiding } from '../http/hiding.ts'
import { readListen } from './listener-schema.ts'
import { networksOf, size } from './quantities.ts'

const fieldName = z.string().refine(isFieldName, 'this is not a field name (RFC 9110 §5.1)')

const file = z.string().min(1, 'the name of the file is missing')

export const logSchema = z
  .strictObject({
    access: z
      .union([z.literal(false), z.enum(['combined', 'json'])])
      .default('combined')
      .meta({
        description:
          'One line for each request: as the combined format of Apache and nginx with more behind it, as JSON, or none.',
      }),
    accessFile: file.optional().meta({
      description:
        'File of the access log, from the folder of the config; stdout when left out. Opened anew on request.',
      samples: ['/var/log/headgate/access.log'],
    }),
    level: z
      .enum(['debug', 'info', 'warn', 'error'])
      .default('info')
      .meta({ description: 'What the errors log tells.' }),
    errorFile: file.optional().meta({
      description: 'File of the errors log; stderr when left out.',
      samples: ['/var/log/headgate/error.log'],
    }),
    redactQuery: z
      .array(z.string())
      .default([...defaultRedactQuery])
      .meta({ description: 'Query parameters whose values are hidden; a list replaces the default one.' }),
    redactFields: z.array(fieldName).default([]).meta({
      description:
        'Header fields whose values are hidden. Authorization, Cookie and Set-Cookie are never logged.',
    }),
    queueBytesMax: size(64 * 1024, 1024 ** 3)
      .prefault('4MiB')
      .meta({
        description:
          'Lines that wait to be written; beyond, lines are dropped and counted rather than requests held up.',
      }),
  })
  .prefault({})
  .meta({ description: 'The access log and the errors log.', samples: [{ access: 'json', level: 'warn' }] })

/** 'unix:/path' or a loopback address and port: who reaches the admin listener can stop the server. */
function adminProblem(text: string): string {
  const read = readListen(text)
  if (typeof read === 'string') return read
  if (read.path !== '') return ''
  const loopback = networksOf(['127.0.0.0/8', '::1'])
  if (read.host === 'localhost' || loopback.has(read.host)) return ''
  const where = read.host === '' ? 'every interface' : read.host
  return `${where} can be reached from outside; use "unix:/path", "127.0.0.1:${read.port}" or "[::1]:${read.port}"`
}

const adminListen = z.string().superRefine((text, context) => {
  const problem = adminProblem(text)
  if (problem !== '') context.addIssue({ code: 'custom', message: problem })
})

export const adminSchema = z
  .union([
    z.literal(false).transform(() => ({ listen: '' })),
    adminListen.transform((listen) => ({ listen })),
    z.strictObject({
      listen: adminListen.meta({
        description: 'A unix socket, or a loopback address and port.',
        samples: ['unix:/run/headgate/admin.sock', '127.0.0.1:9900'],
      }),
    }),
  ])
  .prefault(false)
  .meta({
    description: 'Where `/healthz`, `/metrics` and `headgate reload` are served; `false`: nowhere.',
    samples: ['unix:/run/headgate/admin.sock'],
  })

const pageKey = z
  .string()
  .regex(/^(4\d\d|5\d\d|4xx|5xx)$/, 'a status from 400 to 599, "4xx" or "5xx" is expected')

export const errorPagesSchema = z
  .partialRecord(pageKey, file)
  .default({})
  .meta({
    description:
      'Files that stand in for our own error answers, by status or class; read when the config is. Answers of origins, ' +
      'and those of `respond`, pass as they are.',
    samples: [{ '404': './404.html', '5xx': './sorry.html' }],
  })

export const forwardingSchema = z
  .strictObject({
    xForwarded: z
      .boolean()
      .default(true)
      .meta({
        description:
          'Sends X-Forwarded-For, -Host and -Proto. What untrusted peers claim in X-Forwarded-… and X-Real-IP is ' +
          'always dropped as the request arrives: no match, variable or origin sees it.',
      }),
    forwarded: z.boolean().default(false).meta({ description: 'Sends Forwarded (RFC 7239).' }),
    via: z.boolean().default(true).meta({ description: 'Adds us to Via (RFC 9110 §7.6.3).' }),
    proxyStatus: z
      .boolean()
      .default(false)
      .meta({
        description:
          'Says in Proxy-Status on our own error answers what went wrong (RFC 9209). For internal clients: it tells ' +
          'about the inside, such as that an origin refuses connections.',
      }),
    requestId: z
      .union([z.literal(false), fieldName])
      .default('X-Request-Id')
      .meta({
        description:
          'Field that carries the id of the request; kept when a trusted proxy sent one. `false`: none.',
      }),
    name: z
      .string()
      .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'a token is expected')
      .optional()
      .meta({
        description:
          'Our name in Via and CDN-Loop; a request that bears it already is answered 508. Made from the host name, ' +
          'the listeners and the origins when left out; give machines of one cluster the same.',
        samples: ['edge-ams'],
      }),
  })
  .prefault({})
  .meta({
    description: 'What origins are told about clients, and clients about faults.',
    samples: [{ forwarded: true, name: 'edge-ams' }],
  })

const removedFields = z.array(fieldName).meta({
  description:
    'Fields taken out of answers of origins: they name software, versions, or ways past us. A list replaces the default.',
  samples: [['server', 'x-powered-by', 'x-aspnet-version']],
})
const locations = z.boolean().meta({
  description:
    'Maps addresses and paths of the origin in Location, Content-Location, Refresh and other fields back.',
})
const cookies = z.boolean().meta({ description: 'Maps Domain and Path of cookies back.' })

export const hideSchema = z
  .strictObject({
    fields: removedFields.default([...defaultHiding.removeFields]),
    locations: locations.default(defaultHiding.mapLocations),
    cookies: cookies.default(defaultHiding.mapCookies),
  })
  .prefault({})
  .meta({ description: 'What of origins is kept from clients.', samples: [{ cookies: false }] })

/** The `hide` of an origin: what differs from the top level. */
export const originHideSchema = z.strictObject({
  fields: removedFields.optional(),
  locations: locations.optional(),
  cookies: cookies.optional(),
})
