/**
 * redirect: an end of a route that sends the client elsewhere.
 *
 * Promise: a target that is a path of this site stays one. If `redirect: '/$1'` were asked for '//evil.example', the
 * Location '//evil.example' would name another host (RFC 3986 §4.2), so leading slashes that come from values are
 * reduced to one.
 */
import { z } from 'zod'
import type { Clock } from '../core/clock.ts'
import { requireTemplate, type Template } from '../engine/template.ts'
import { urlTemplate } from '../engine/template-schema.ts'
import { DONE, type Exchange, type Flow, type Handler } from '../http/exchange.ts'
import { Field } from '../http/known-fields.ts'

const statusDescription =
  'Status of the answer. 302 by default: browsers keep 301 and 308 for good, so a wrong one cannot be taken back. ' +
  '307 and 308 keep the method and the body; after 303 the client uses GET.'

const target = urlTemplate().superRefine((to, context) => {
  const message = targetProblem(to)
  if (message !== '') context.addIssue({ code: 'custom', message })
})

export const redirectSchema = z
  .union([
    target.transform((to) => ({ to, status: 302 as const, keepQuery: true })),
    z.strictObject({
      to: target.meta({
        description: 'Where to: a path of this site or a whole URL, with variables.',
        samples: ['/new/$1', 'https://{host}{uri}'],
      }),
      status: z
        .union([z.literal(301), z.literal(302), z.literal(303), z.literal(307), z.literal(308)])
        .default(302)
        .meta({ description: statusDescription }),
      keepQuery: z.boolean().default(true).meta({
        description: 'Appends the query of the request when the target has none of its own.',
      }),
    }),
  ])
  .meta({
    description: 'Sends the client elsewhere. As text: the target.',
    samples: ['/new/$1', { to: 'https://{host}{uri}', status: 308 }],
  })

export type RedirectOptions = z.output<typeof redirectSchema>

/** What makes a target dangerous or wrong; '' when nothing does. */
function targetProblem(to: string): string {
  if (/^[a-z][a-z0-9+.-]*:/i.test(to) && !/^https?:\/\//i.test(to))
    return 'a target is a path, or a URL of http or https'
  // 'https://example.com$1' for '.evil.example' would be another host.
  if (/^((https?|\{scheme\}):)?\/\/[^/?#]*(\$[1-9]|\{query\}|\{(path|query|header|cookie)\.)/i.test(to)) {
    return 'a value from the request would become part of the host name; put a "/" in front of it'
  }
  if (/^(\/|https?:\/\/|\$[1-9]|\{(uri|path|scheme)\b)/i.test(to)) return ''
  return `a target begins with "/", "http://" or "https://"; did you mean "/${to}"?`
}

export function createRedirect(options: RedirectOptions, clock: Clock): Handler {
  return new Redirect(options, clock)
}

class Redirect implements Handler {
  readonly name = 'redirect'
  readonly #status: number
  readonly #keepQuery: boolean
  readonly #to: Template
  /** The template itself says which host: '//' at the beginning is meant. */
  readonly #namesHost: boolean

  constructor(options: RedirectOptions, clock: Clock) {
    this.#to = requireTemplate(options.to, { clock, form: 'url', hasResponse: false })
    this.#status = options.status
    this.#namesHost = /^(https?:)?\/\/|^\{scheme\}:/i.test(options.to)
    // '{uri}' brings its query along.
    this.#keepQuery = options.keepQuery && !options.to.includes('?') && !options.to.includes('{uri}')
  }

  onRequest(x: Exchange): Flow {
    x.response.status = this.#status
    x.response.fields.addKnown(Field.LOCATION, this.#target(x))
    x.answerWhole(null)
    return DONE
  }

  explain(x: Exchange, say: (sentence: string) => void): Flow {
    say(`answers ${this.#status} with Location: ${this.#target(x)}`)
    return DONE
  }

  #target(x: Exchange): string {
    let target = this.#to.render(x)
    if (!this.#namesHost) target = target.replace(/^[/\\]*/, '/')
    return this.#keepQuery ? target + x.request.query : target
  }
}
