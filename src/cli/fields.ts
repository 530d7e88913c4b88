/** Reads 'name: value' from the command line. */
import { isFieldName } from '../engine/field-rules.ts'
import { UsageError } from './command.ts'

export interface FieldOption {
  readonly name: string
  readonly value: string
}

export function readFields(texts: readonly string[], option: string): FieldOption[] {
  return texts.map((text) => {
    const colon = text.indexOf(':')
    const name = text.slice(0, Math.max(0, colon)).trim()
    if (colon < 1 || !isFieldName(name))
      throw new UsageError(`${option} ${JSON.stringify(text)}: 'name: value' is expected`)
    return { name, value: text.slice(colon + 1).trim() }
  })
}
