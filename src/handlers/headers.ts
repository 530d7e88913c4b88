/**
 * headers: a step that edits the fields of the request on its way to the origin, and of the answer on its way back.
 *
 * On each side `remove` comes first, then `set`, then `add`, in whatever order they are written. A value that comes
 * out empty sets and adds nothing, so `set: { 'X-User': '{cookie.user}' }` removes what the client sent when there is
 * no such cookie.
 *
 * Promise: a client cannot bring back, under another spelling, a request field that is removed or set: to a CGI-like
 * origin 'X_User' is HTTP_X_USER just as 'X-User' is (RFC 3875 §4.1.18), so such spellings are removed too.
 */
import { z } from 'zod'
import type { Clock } from '../core/clock.ts'
import { fieldProblem } from '../engine/field-rules.ts'
import { requireTemplate, type Template } from '../engine/template.ts'
import { editableField, fieldTemplate } from '../engine/template-schema.ts'
import { NEXT, type Exchange, type Flow, type Handler } from '../http/exchange.ts'
import type { Fields } from '../http/fields.ts'
import { plainName } from '../http/spelling.ts'

function editsSchema(side: 'request' | 'response') {
  const isRequest = side === 'request'
  const value = fieldTemplate(!isRequest)
  const notEmpty = value.refine((text) => text !== '', 'an empty value sets nothing; use "remove"')
  const list = z.union([notEmpty, z.array(notEmpty)])
  const names = editableField(side, true)
  return z.strictObject({
    remove: z
      .union([names.transform((name) => [name]), z.array(names)])
      .default([])
      .meta({
        description:
          'Fields taken out; a `*` at the end stands for any ending.' +
          (isRequest ? ' So is what origins may take for the same: `X_User` for `X-User`.' : ''),
        samples: [['X-Debug', 'X-Internal-*']],
      }),
    set: z
      .record(editableField(side), notEmpty)
      .default({})
      .meta({
        description:
          'Fields that get one value, whatever was there; with variables.' +
          (isRequest ? ' `X_User` goes when `X-User` is set.' : ''),
        samples: [isRequest ? { 'X-Client': '{client_ip}' } : { 'X-Frame-Options': 'DENY' }],
      }),
    add: z
      .record(editableField(side), list)
      .default({})
      .meta({
        description: 'Fields added to those that are there; a list adds several lines.',
        samples: [isRequest ? { 'X-Tag': ['a', 'b'] } : { Vary: 'X-Tenant' }],
      }),
  })
}

const responseSchema = editsSchema('response').extend({
  always: z
    .boolean()
    .default(false)
    .meta({
      description:
        'Edits our own error answers, too: a 502, a 413, a 503 of maintenance. For Strict-Transport-Security and the ' +
        'like. What no route takes passes no step.',
    }),
})

export const headersSchema = z
  .strictObject({
    request: editsSchema('request')
      .optional()
      .meta({ description: 'Edits of the request before it goes to the origin.' }),
    response: responseSchema
      .optional()
      .meta({ description: 'Edits of the answer before it goes to the client.' }),
  })
  .meta({
    description:
      'Edits header fields of the request and of the answer. Within a side: remove, then set, then add.',
    samples: [{ response: { set: { 'X-Frame-Options': 'DENY' }, remove: 'X-Debug' } }],
  })

export type HeadersOptions = z.output<typeof headersSchema>
type EditOptions = NonNullable<HeadersOptions['request']>

export function createHeaders(options: HeadersOptions, clock: Clock): Handler {
  return new Headers(options, clock)
}

interface FieldValue {
  readonly name: string
  readonly lowerName: string
  readonly value: Template
}

/** The edits of one side, compiled. */
class Edits {
  readonly #removed: readonly string[]
  readonly #removedPrefixes: readonly string[]
  readonly #set: readonly FieldValue[]
  readonly #added: readonly FieldValue[]

  readonly #side: 'request' | 'response'
  /** Names of request fields that a client might write with '_' instead of '-'. */
  readonly #hyphened: ReadonlySet<string>

  constructor(options: EditOptions, side: 'request' | 'response', clock: Clock) {
    this.#side = side
    const hasResponse = side === 'response'
    const compiled = (name: string, source: string): FieldValue => ({
      name,
      lowerName: name.toLowerCase(),
      value: requireTemplate(source, { clock, form: 'field', hasResponse }),
    })
    const removed = options.remove.map((name) => name.toLowerCase())
    this.#removed = removed.filter((name) => !name.endsWith('*'))
    this.#removedPrefixes = removed.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1))
    this.#set = Object.entries(options.set).map(([name, source]) => compiled(name, source))
    this.#added = Object.entries(options.add).flatMap(([name, sources]) =>
      [sources].flat().map((source) => compiled(name, source)),
    )
    const cleared = [...this.#removed, ...this.#set.map(({ lowerName }) => lowerName)]
    this.#hyphened = new Set(side === 'request' ? cleared.filter((name) => name.includes('-')) : [])
  }

  apply(x: Exchange, fields: Fields): void {
    for (const name of this.#removed) fields.remove(name)
    if (this.#removedPrefixes.length > 0) this.#removeByPrefix(fields)
    if (this.#hyphened.size > 0) this.#removeMisspelt(fields)
    for (const { name, lowerName, value } of this.#set) {
      const rendered = value.render(x)
      if (rendered === '') fields.remove(lowerName)
      else fields.set(name, rendered)
    }
    for (const { name, value } of this.#added) {
      const rendered = value.render(x)
      if (rendered !== '') fields.add(name, rendered)
    }
  }

  #removeByPrefix(fields: Fields): void {
    for (let i = 0; i < fields.size; i++) {
      if (!fields.isLive(i)) continue
      const name = fields.nameAt(i).toLowerCase()
      if (!this.#removedPrefixes.some((prefix) => this.#beginsWith(name, prefix))) continue
      // 'Con*' is meant for others than Connection and Content-Length.
      if (fieldProblem(name, this.#side) === '') fields.removeAt(i)
    }
  }

  #beginsWith(name: string, prefix: string): boolean {
    return name.startsWith(prefix) || (this.#side === 'request' && plainName(name).startsWith(prefix))
  }

  /** No field that is known has a '_' in its name. */
  #removeMisspelt(fields: Fields): void {
    for (let i = 0; i < fields.size; i++) {
      if (fields.idAt(i) !== 0 || !fields.isLive(i)) continue
      const name = fields.nameAt(i)
      if (name.includes('_') && this.#hyphened.has(plainName(name.toLowerCase()))) fields.removeAt(i)
    }
  }

  describe(x: Exchange | null, say: (sentence: string) => void, side: string): void {
    const text = (value: Template): string => (x === null ? value.source : value.render(x))
    for (const name of this.#removed) say(`removes ${name} from the ${side}`)
    for (const prefix of this.#removedPrefixes) say(`removes ${prefix}* from the ${side}`)
    for (const { name, value } of this.#set) {
      const rendered = text(value)
      say(
        rendered === ''
          ? `removes ${name} from the ${side}: its value is empty`
          : `sets ${name}: ${rendered} on the ${side}`,
      )
    }
    for (const { name, value } of this.#added)
      if (text(value) !== '') say(`adds ${name}: ${text(value)} to the ${side}`)
  }
}

class Headers implements Handler {
  readonly name = 'headers'
  readonly #request: Edits | null
  readonly #response: Edits | null
  readonly #isAlways: boolean

  constructor(options: HeadersOptions, clock: Clock) {
    this.#request = options.request === undefined ? null : new Edits(options.request, 'request', clock)
    this.#response = options.response === undefined ? null : new Edits(options.response, 'response', clock)
    this.#isAlways = options.response?.always === true
  }

  onRequest(x: Exchange): Flow {
    this.#request?.apply(x, x.request.fields)
    return NEXT
  }

  onResponse(x: Exchange): Flow {
    this.#response?.apply(x, x.response.fields)
    return NEXT
  }

  onErrorAnswer(x: Exchange): void {
    if (this.#isAlways) this.#response?.apply(x, x.response.fields)
  }

  explain(x: Exchange, say: (sentence: string) => void): Flow {
    this.#request?.describe(x, say, 'request')
    this.#request?.apply(x, x.request.fields)
    this.#response?.describe(null, say, this.#isAlways ? 'answer, and on errors of ours' : 'answer')
    return NEXT
  }
}
