/**
 * respond: an end of a route that answers by itself. Status, body and fields are fixed when the config is compiled;
 * only the values of fields may contain variables.
 */
import { z } from 'zod'
import type { Clock } from '../core/clock.ts'
import { requireTemplate, type Template } from '../engine/template.ts'
import { editableField, fieldTemplate } from '../engine/template-schema.ts'
import { DONE, type Exchange, type Flow, type Handler } from '../http/exchange.ts'
import { Field } from '../http/known-fields.ts'

const text = 'text/plain; charset=utf-8'
const json = 'application/json'

const status = z
  .int('a status is a whole number')
  .min(200, 'a final status is at least 200')
  .max(599, 'a status is at most 599')

const body = z.union([z.string(), z.array(z.unknown()), z.record(z.string(), z.unknown())])

export interface Answer {
  status: number
  body?: z.output<typeof body> | undefined
  contentType?: string | undefined
  headers: Record<string, string>
}

const wholeAnswer = z
  .strictObject({
    status: status.default(200).meta({ description: 'Status of the answer, 200 to 599.' }),
    body: body.optional().meta({
      description: 'Text, or an object or list that is sent as JSON. Variables are not replaced in it.',
      samples: ['Hello', { ok: true }],
    }),
    contentType: fieldTemplate(false)
      .optional()
      .meta({
        description: `Content-Type of the body; \`${text}\` for text and \`${json}\` for JSON by default.`,
      }),
    headers: z
      .record(editableField('response'), fieldTemplate(false))
      .default({})
      .meta({ description: 'Fields of the answer, with variables.', samples: [{ 'Retry-After': '120' }] }),
  })
  .superRefine((answer, context) => {
    if (
      answer.body !== undefined &&
      (answer.status === 204 || answer.status === 205 || answer.status === 304)
    ) {
      const message = `an answer with status ${answer.status} has no body (RFC 9110 §15)`
      context.addIssue({ code: 'custom', path: ['body'], message })
    }
  })

export const respondSchema = z
  .union([
    status.transform((status): Answer => ({ status, headers: {} })),
    z.string().transform((body): Answer => ({ status: 200, body, headers: {} })),
    wholeAnswer.transform((answer): Answer => answer),
  ])
  .meta({
    description: 'Answers without an origin. As a number: the status; as text: the body.',
    samples: [404, 'OK', { status: 503, body: { error: 'later' }, headers: { 'Retry-After': '120' } }],
  })

export type RespondOptions = z.output<typeof respondSchema>

export function createRespond(options: RespondOptions, clock: Clock): Handler {
  return new Respond(options, clock)
}

class Respond implements Handler {
  readonly name = 'respond'
  readonly #status: number
  readonly #body: Buffer | null
  readonly #contentType: string
  readonly #fields: readonly { readonly name: string; readonly value: Template }[]

  constructor({ status, body, contentType, headers }: RespondOptions, clock: Clock) {
    this.#status = status
    const isText = typeof body === 'string'
    this.#body = body === undefined ? null : Buffer.from(isText ? body : JSON.stringify(body))
    this.#contentType = contentType ?? (body === undefined ? '' : isText ? text : json)
    this.#fields = Object.entries(headers).map(([name, source]) => ({
      name,
      value: requireTemplate(source, { clock, form: 'field', hasResponse: false }),
    }))
  }

  onRequest(x: Exchange): Flow {
    const { fields } = x.response
    x.response.status = this.#status
    if (this.#contentType !== '') fields.addKnown(Field.CONTENT_TYPE, this.#contentType)
    for (const { name, value } of this.#fields) {
      const rendered = value.render(x)
      if (rendered !== '') fields.set(name, rendered)
    }
    x.answerWhole(this.#body)
    return DONE
  }

  explain(_x: Exchange, say: (sentence: string) => void): Flow {
    const what = this.#body === null ? 'no body' : `${this.#body.length} bytes of ${this.#contentType}`
    say(`answers ${this.#status} with ${what}`)
    return DONE
  }
}
