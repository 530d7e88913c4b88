/**
 * The body of `POST /explain`: a request, in the form in which `headgate explain` writes it and the server reads it.
 */

export interface RequestToExplain {
  readonly method: string
  readonly scheme: string
  /** host[:port] */
  readonly authority: string
  readonly target: string
  /** The address of the client. */
  readonly client: string
  readonly fields: readonly { readonly name: string; readonly value: string }[]
}

/** The request, or the sentence that says what is wrong with it. */
export function readRequestToExplain(text: string): RequestToExplain | string {
  const value = readJson(text)
  if (value === null || typeof value !== 'object') return 'a JSON object is expected'
  const { method, scheme, authority, target, client, fields = [] } = value as Record<string, unknown>
  if (!isLine(method) || !isLine(authority) || !isLine(target) || !isLine(client))
    return '"method", "authority", "target" and "client" are texts'
  if (scheme !== 'http' && scheme !== 'https') return '"scheme" is "http" or "https"'
  if (!Array.isArray(fields) || !fields.every(isField)) return '"fields" is a list of {"name", "value"}'
  return { method, scheme, authority, target, client, fields }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Can it be written as part of a line? */
function isLine(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !/[\r\n\0]/.test(value)
}

function isField(field: unknown): field is { name: string; value: string } {
  if (field === null || typeof field !== 'object') return false
  const { name, value } = field as Record<string, unknown>
  return isLine(name) && (isLine(value) || value === '')
}
