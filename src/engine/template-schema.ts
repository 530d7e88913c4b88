/**
 * Schemas that several directives share: a template, a field's name. They are checked while the config is read, so
 * that a mistake is reported with its place and together with all others.
 */
import { z } from 'zod'
import { systemClock } from '../core/clock.ts'
import { fieldProblem, isFieldName, isFieldText } from './field-rules.ts'
import { compileTemplate } from './template.ts'

/** The schema of a template of a field's value. */
export function fieldTemplate(hasResponse: boolean): z.ZodString {
  return z.string().superRefine((source, context) => {
    const made = compileTemplate(source, { clock: systemClock, form: 'field', hasResponse })
    if (typeof made === 'string') context.addIssue({ code: 'custom', message: made })
    else if (!isFieldText(source)) {
      const message =
        'a field value holds no control characters, and beyond Latin-1 only percent-encoded ones'
      context.addIssue({ code: 'custom', message })
    }
  })
}

/** The schema of a template of a URL or a part of one. */
export function urlTemplate(): z.ZodString {
  return z.string().superRefine((source, context) => {
    const made = compileTemplate(source, { clock: systemClock, form: 'url', hasResponse: false })
    if (typeof made === 'string') context.addIssue({ code: 'custom', message: made })
    else if (source === '') context.addIssue({ code: 'custom', message: 'it is empty' })
  })
}

/**
 * The schema of the name of a field that may be edited. With `wild`, 'X-Internal-*' means all names that begin
 * so.
 */
export function editableField(side: 'request' | 'response', wild = false): z.ZodString {
  return z.string().superRefine((name, context) => {
    const isWild = wild && name.endsWith('*')
    let problem = isWild ? '' : fieldProblem(name, side)
    if (isWild && !isFieldName(name.slice(0, -1))) problem = `"${name}" is not the beginning of a field name`
    if (problem !== '') context.addIssue({ code: 'custom', message: problem })
  })
}
