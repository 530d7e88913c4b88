/**
 * Max-Forwards of an OPTIONS request (RFC 9110 §7.6.2): decremented on the way, and answered here at 0, for clients
 * that want to know what stands in between.
 */
import type { Exchange } from '../../http/exchange.ts'
import { Field } from '../../http/known-fields.ts'

const allowed = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

/**
 * Returns true when the request has come as far as it may, and was answered. A value that is not a number is
 * ignored.
 */
export function stopsHere(x: Exchange): boolean {
  const { fields } = x.request
  const value = fields.get(Field.MAX_FORWARDS)
  if (value === undefined || !/^\d{1,9}$/.test(value)) return false
  const left = Number(value)
  if (left > 0) {
    fields.setKnown(Field.MAX_FORWARDS, String(left - 1))
    return false
  }
  x.response.status = 200
  x.response.fields.add('allow', allowed)
  x.answerWhole(null)
  return true
}
