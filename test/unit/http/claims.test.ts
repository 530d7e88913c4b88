import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Claims } from '../../../src/http/claims.ts'
import { Fields } from '../../../src/http/fields.ts'
import { fieldId } from '../../../src/http/known-fields.ts'

/** As a head reader puts them on, and as made fields, which is how HTTP/2 and steps do. */
const makers: Readonly<Record<string, (names: readonly string[]) => Fields>> = {
  'spans of a head': (names) => {
    const fields = new Fields()
    let text = ''
    for (const name of names) {
      const start = text.length
      text += `${name}: evil\r\n`
      const nameEnd = start + name.length
      fields.addSpan(fieldId(name.toLowerCase()), start, nameEnd, nameEnd + 2, text.length - 2)
    }
    fields.text = text
    fields.wireEnd = text.length
    return fields
  },
  'made fields': (names) => {
    const fields = new Fields()
    for (const name of names) fields.add(name, 'evil')
    return fields
  },
}

const misspelt = [
  'X_Forwarded_For',
  'x-forwarded_host',
  'X_FORWARDED-SSL',
  'X_REAL_IP',
  'X-Real_IP',
  'X_Request_ID',
]
const spelt = [
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Forwarded-Proto',
  'X-Forwarded-Port',
  'X-Forwarded-Ssl',
  'x-forwarded-prefix',
  'X-Real-IP',
  'FORWARDED',
  'X-Request-Id',
]
const others = [
  'X-Forward',
  'X-Real',
  'X-Requested-With',
  'XForwarded-For',
  'x',
  'X-Forwarded',
  'Host',
  'Accept',
]

const namesOf = (fields: Fields): string[] => fields.toArray().filter((_text, i) => i % 2 === 0)

for (const [form, make] of Object.entries(makers)) {
  test(`of an untrusted peer no claim is left, however it is spelt (${form})`, () => {
    const fields = make([...misspelt, ...others, ...spelt, ...spelt])
    new Claims('X-Request-Id').drop(fields)
    assert.deepEqual(namesOf(fields), others)
  })

  test(`of a trusted peer those go that are spelt with "_" (${form})`, () => {
    const fields = make([...misspelt, ...others, ...spelt])
    new Claims('X-Request-Id').dropMisspelt(fields)
    assert.deepEqual(namesOf(fields), [...others, ...spelt])
  })

  test(`the field of the request id is a claim under any name that it is given (${form})`, () => {
    for (const name of ['X-Trace', 'trace_id', 'xid', 'Request-Id', '_id', 'Cf-Ray']) {
      const fields = make([name, name.toUpperCase(), name.replaceAll('-', '_'), 'x-request-id', 'Accept'])
      new Claims(name).drop(fields)
      assert.deepEqual(namesOf(fields), ['x-request-id', 'Accept'], name)
    }
  })

  test(`a trusted peer may send a request id whose configured name has a "_" (${form})`, () => {
    const fields = make(['Trace_Id', 'trace-id'])
    new Claims('trace_id').dropMisspelt(fields)
    assert.deepEqual(namesOf(fields), ['Trace_Id', 'trace-id'])
  })

  test(`without a field for the request id X-Request-Id is the client’s affair (${form})`, () => {
    const fields = make(['X-Request-Id', 'X-Forwarded-For'])
    new Claims('').drop(fields)
    assert.deepEqual(namesOf(fields), ['X-Request-Id'])
  })
}
