/**
 * rewrite: a step that changes the target that the origin is asked for. What was matched, and what is logged, stays
 * as received.
 *
 * It works on the normalised path, the one that was routed on, so that '/%61pi/x' cannot keep a prefix that '/api/x'
 * would lose. The order is `path`, `stripPrefix`, `replacePrefix`, `regex`, `addPrefix`, `query`, however they are
 * written.
 *
 * Promises: the target begins with exactly one '/' and holds no dot segment, and each value stays inside the segment
 * or parameter where the template has it.
 */
import { z } from 'zod'
import type { Clock } from '../core/clock.ts'
import { compileUserRegex, normalLiteral } from '../engine/path-pattern.ts'
import { removeFromQuery, setInQuery } from '../engine/query.ts'
import { requireTemplate, type Template } from '../engine/template.ts'
import { urlTemplate } from '../engine/template-schema.ts'
import { NEXT, type Exchange, type Flow, type Handler } from '../http/exchange.ts'
import { FORM_ASTERISK } from '../http/message.ts'
import type { PathMap } from '../http/origin-names.ts'
import { normalPath } from '../http/target.ts'

const prefix = z
  .string()
  .regex(/^\/[^?#]*$/, 'a prefix begins with "/" and has no query')
  .refine((text) => text !== '/', 'a prefix is more than "/"')

const pathTemplate = urlTemplate().refine(
  (text) => /^(\/|\$[1-9]|\{(uri|path)\b)/.test(text),
  'a path begins with "/"',
)

const regexText = z.string().superRefine((source, context) => {
  const made = compileUserRegex(source)
  if (typeof made === 'string') context.addIssue({ code: 'custom', message: made })
})

const whole = z
  .strictObject({
    path: pathTemplate.optional().meta({
      description: 'The new path, with variables. With a `?` it replaces the query too.',
      samples: ['/v2/$1'],
    }),
    stripPrefix: prefix.optional().meta({
      description: 'Taken off the front, at a segment boundary; a path without it stays.',
      samples: ['/api'],
    }),
    replacePrefix: z
      .strictObject({
        from: prefix.meta({ description: 'The prefix to be replaced.' }),
        to: prefix.meta({ description: 'What stands there instead.' }),
      })
      .optional()
      .meta({ description: 'Replaces the front, at a segment boundary; a path without it stays.' }),
    regex: z
      .strictObject({
        pattern: regexText.meta({
          description: 'A JavaScript regular expression, not anchored by itself.',
          samples: ['^/u/(\\d+)$'],
        }),
        replacement: urlTemplate().meta({
          description: 'What stands instead of the part that matched; `$1` is a capture of this regex.',
          samples: ['/user?id=$1'],
        }),
      })
      .optional()
      .meta({ description: 'Replaces the first match in the path.' }),
    addPrefix: prefix.optional().meta({ description: 'Put in front.', samples: ['/app'] }),
    query: z
      .strictObject({
        remove: z
          .array(z.string())
          .default([])
          .meta({ description: 'Parameters taken out.', samples: [['utm_source']] }),
        set: z
          .record(z.string(), z.string())
          .default({})
          .meta({
            description: 'Parameters that get one value, with variables.',
            samples: [{ client: '{client_ip}' }],
          }),
      })
      .optional()
      .meta({ description: 'Edits of the query.' }),
  })
  .refine((rewrite) => Object.keys(rewrite).length > 0, 'it rewrites nothing')

export const rewriteSchema = z
  .union([pathTemplate.transform((path): z.output<typeof whole> => ({ path })), whole])
  .meta({
    description:
      'Changes the target that the origin is asked for. As text: the new path. ' +
      'In order: path, stripPrefix, replacePrefix, regex, addPrefix, query.',
    samples: ['/v2/$1', { stripPrefix: '/api' }],
  })

export type RewriteOptions = z.output<typeof rewriteSchema>

export function createRewrite(options: RewriteOptions, clock: Clock): Handler {
  return new Rewrite(options, clock)
}

/**
 * What this does to the beginning of paths, for mapping an origin's Location and cookies back; null when the
 * config does not tell (a regex, a template that is no prefix). `matched` are the paths of the route's match.
 */
export function pathMapOf(
  options: RewriteOptions | undefined,
  matched: readonly (string | { readonly regex: string })[],
): PathMap | null {
  if (options === undefined || options.regex !== undefined) return null
  const { path, stripPrefix, replacePrefix, addPrefix } = options
  if (path !== undefined) {
    // '/old/*' to '/new/$1'.
    const only = matched.length === 1 ? matched[0] : undefined
    const isFolder = typeof only === 'string' && /^\/[^*:]*\/\*$|^\/\*$/.test(only)
    const isPrefix = /^\/[^${}?]*\$1$/.test(path) && path.endsWith('/$1')
    if (!isFolder || !isPrefix || stripPrefix !== undefined || replacePrefix !== undefined) return null
    return {
      publicPrefix: trimmed(only.slice(0, -2)),
      originPrefix: trimmed(addPrefix) + trimmed(path.slice(0, -3)),
    }
  }
  if (stripPrefix !== undefined && replacePrefix !== undefined) return null
  const publicPrefix = trimmed(stripPrefix ?? replacePrefix?.from)
  const originPrefix = trimmed(addPrefix) + trimmed(replacePrefix?.to)
  return publicPrefix === '' && originPrefix === '' ? null : { publicPrefix, originPrefix }
}

interface RegexEdit {
  readonly pattern: RegExp
  readonly replacement: Template
}

class Rewrite implements Handler {
  readonly name = 'rewrite'
  readonly #path: Template | null
  readonly #strip: string
  readonly #replaced: { readonly from: string; readonly to: string } | null
  readonly #regex: RegexEdit | null
  readonly #added: string
  readonly #removedQuery: readonly string[]
  readonly #setQuery: readonly { readonly name: string; readonly value: Template }[]

  constructor(options: RewriteOptions, clock: Clock) {
    const template = (source: string): Template =>
      requireTemplate(source, { clock, form: 'url', hasResponse: false })
    const { regex, replacePrefix, query } = options
    this.#path = options.path === undefined ? null : template(options.path)
    this.#strip = trimmed(options.stripPrefix)
    this.#added = trimmed(options.addPrefix)
    this.#replaced =
      replacePrefix === undefined
        ? null
        : { from: trimmed(replacePrefix.from), to: trimmed(replacePrefix.to) }
    this.#regex =
      regex === undefined
        ? null
        : { pattern: new RegExp(regex.pattern), replacement: template(regex.replacement) }
    this.#removedQuery = query?.remove ?? []
    // It is encoded as the value of a parameter: the '?' in front says so, and is cut off again.
    this.#setQuery = Object.entries(query?.set ?? {}).map(([name, source]) => ({
      name,
      value: template('?' + source),
    }))
  }

  onRequest(x: Exchange): Flow {
    if (x.request.form !== FORM_ASTERISK) x.rewrittenTarget = this.#rewritten(x)
    return NEXT
  }

  explain(x: Exchange, say: (sentence: string) => void): Flow {
    const before = x.target
    this.onRequest(x)
    say(x.target === before ? `leaves ${before} as it is` : `${before} becomes ${x.target}`)
    return NEXT
  }

  #rewritten(x: Exchange): string {
    let path = x.request.path
    let query = x.request.query.slice(1)
    if (this.#path !== null) {
      path = this.#path.render(x)
      const mark = path.indexOf('?')
      if (mark >= 0) {
        query = path.slice(mark + 1)
        path = path.slice(0, mark)
      }
    }
    path = withoutPrefix(path, this.#strip, '')
    if (this.#replaced !== null) path = withoutPrefix(path, this.#replaced.from, this.#replaced.to)
    if (this.#regex !== null) {
      path = replaceFirst(x, path, this.#regex)
      const mark = path.indexOf('?')
      if (mark >= 0) {
        query = path.slice(mark + 1) + (query === '' ? '' : '&' + query)
        path = path.slice(0, mark)
      }
    }
    path = onePath(this.#added + onePath(path))
    for (const name of this.#removedQuery) query = removeFromQuery(query, name)
    for (const { name, value } of this.#setQuery) query = setInQuery(query, name, value.render(x).slice(1))
    return query === '' ? path : path + '?' + query
  }
}

/** A prefix in the form of a normalised path, without '/' at its end. */
function trimmed(text: string | undefined): string {
  return normalLiteral(text ?? '').replace(/\/+$/, '')
}

function withoutPrefix(path: string, prefix: string, instead: string): string {
  if (prefix === '' || !path.startsWith(prefix)) return path
  if (path.length > prefix.length && path.charCodeAt(prefix.length) !== 0x2f) return path
  return instead + path.slice(prefix.length)
}

function replaceFirst(x: Exchange, path: string, edit: RegexEdit): string {
  const match = edit.pattern.exec(path)
  if (match === null) return path
  const captures = match.slice(1).map((capture) => capture ?? '')
  return (
    path.slice(0, match.index) +
    edit.replacement.render(x, captures) +
    path.slice(match.index + match[0].length)
  )
}

/** Ensures exactly one '/' in front, and no dot segment that a value brought in. */
function onePath(path: string): string {
  const rooted = path.replace(/^\/*/, '/')
  if (!rooted.includes('/.')) return rooted
  const resolved = normalPath(rooted)
  return resolved === '' ? '/' : resolved
}
