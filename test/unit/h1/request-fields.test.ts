import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BODY_NONE } from '../../../src/http/message.ts'
import { request } from './reading.ts'

const host = 'Host: example.com\r\n'
const get = 'GET / HTTP/1.1\r\n' + host

describe('field lines', () => {
  const wrong: [string, string, string][] = [
    [' A: b\r\n', 'field_folded', 'a space in front of the first line'],
    ['A: b\r\n c\r\n', 'field_folded', 'a folded line'],
    ['A: b\r\n\tc\r\n', 'field_folded', 'a line folded by a tab'],
    ['A: b\r\n \r\n', 'field_folded', 'a line of one space'],
    ['A : b\r\n', 'field_name_bad', 'a space before the colon'],
    ['A\t: b\r\n', 'field_name_bad', 'a tab before the colon'],
    [': b\r\n', 'field_name_bad', 'an empty name'],
    ['A\r\n', 'field_name_bad', 'a line without a colon'],
    ['A B: c\r\n', 'field_name_bad', 'a space in the name'],
    ['A\0: b\r\n', 'field_name_bad', 'NUL in the name'],
    ['A\x7f: b\r\n', 'field_name_bad', 'DEL in the name'],
    ['\xc4: b\r\n', 'field_name_bad', 'a name beyond ASCII'],
    ['A(b): c\r\n', 'field_name_bad', 'a comment in the name'],
    ['"A": c\r\n', 'field_name_bad', 'a quoted name'],
    ['A;b: c\r\n', 'field_name_bad', 'a semicolon in the name'],
    ['A/b: c\r\n', 'field_name_bad', 'a slash in the name'],
    ['A\rB: c\r\n', 'field_name_bad', 'CR in the name'],
    ['Content-Length\0: 5\r\n', 'field_name_bad', 'NUL behind a known name'],
    ['A: b\0c\r\n', 'field_value_bad', 'NUL in the value'],
    ['A: \x01\r\n', 'field_value_bad', 'a control character'],
    ['A: \x0b\r\n', 'field_value_bad', 'a vertical tab'],
    ['A: \x0cb\r\n', 'field_value_bad', 'a form feed'],
    ['A: b\x1b[31m\r\n', 'field_value_bad', 'an escape sequence'],
    ['A: \x7f\r\n', 'field_value_bad', 'DEL'],
    ['A: b\n', 'line_end_bad', 'a bare LF'],
    ['A: b\nC: d\r\n', 'line_end_bad', 'a bare LF between fields'],
    ['A: b\rC: d\r\n', 'line_end_bad', 'a bare CR in the value'],
    ['A: b\r\r\n', 'line_end_bad', 'two CR'],
    ['A: \rContent-Length: 5\r\n', 'line_end_bad', 'a bare CR before a hidden field'],
    ['A\n: b\r\n', 'line_end_bad', 'LF in the name'],
    ['\n', 'line_end_bad', 'an empty line of LF'],
    ['\rX', 'line_end_bad', 'CR without LF at the end of the section'],
    ['\r\r\n', 'line_end_bad', 'two CR at the end of the section'],
  ]
  for (const [lines, fault, why] of wrong) {
    test(`with ${why} are refused as ${fault}`, () => {
      assert.equal(request(get + lines + '\r\n').verdict, fault)
      if (!lines.startsWith(' ')) return
      assert.equal(request('GET / HTTP/1.1\r\n' + lines + host + '\r\n').verdict, fault)
    })
  }

  test('are known whatever the case of their names', () => {
    const { head } = request('GET / HTTP/1.1\r\nhOST: a\r\nUSER-AGENT: b\r\naccept-Encoding: c\r\n\r\n')
    assert.equal(head.host, 'a')
    assert.equal(head.fields.getByName('user-agent'), 'b')
    assert.equal(head.fields.getByName('accept-encoding'), 'c')
    assert.ok([...head.fields.ids.subarray(0, 3)].every((id) => id !== 0))
  })

  test('with a name that differs from a known one by bit 5 only are unknown', () => {
    // 'Content_Length' and the like must not be taken for the field, nor the field be missed.
    const { verdict, head } = request(get + 'Content_Length: 5\r\nTransfer_Encoding: chunked\r\n\r\n')
    assert.equal(verdict, 'whole')
    assert.equal(head.bodyLength, BODY_NONE)
  })
})

describe('Host', () => {
  const wrong: [string, string, string][] = [
    ['GET / HTTP/1.1\r\n\r\n', 'host_missing', 'none in HTTP/1.1'],
    ['GET http://a/ HTTP/1.1\r\n\r\n', 'host_missing', 'none with an absolute target'],
    ['OPTIONS * HTTP/1.1\r\n\r\n', 'host_missing', "none with '*'"],
    [get + host + '\r\n', 'host_repeated', 'two equal ones'],
    [get + 'hOsT: other\r\n\r\n', 'host_repeated', 'two different ones'],
    ['GET / HTTP/1.0\r\n' + host + host + '\r\n', 'host_repeated', 'two in HTTP/1.0'],
    ['GET / HTTP/1.1\r\nHost:\r\n\r\n', 'host_bad', 'an empty one in HTTP/1.1'],
    ['GET / HTTP/1.1\r\nHost: \t \r\n\r\n', 'host_bad', 'one of space'],
    ['GET / HTTP/1.1\r\nHost: a,b\r\n\r\n', 'host_bad', 'a list'],
    ['GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 'host_bad', 'a space'],
    ['GET / HTTP/1.1\r\nHost: u@a\r\n\r\n', 'host_bad', 'user information'],
    ['GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 'host_bad', 'a path'],
    ['GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n', 'host_bad', 'a port out of range'],
    ['GET / HTTP/1.1\r\nHost: a:b\r\n\r\n', 'host_bad', 'a port of letters'],
    ['GET / HTTP/1.1\r\nHost: :80\r\n\r\n', 'host_bad', 'a port alone'],
    ['GET / HTTP/1.1\r\nHost: a%2eb\r\n\r\n', 'host_bad', 'percent-encoding'],
    ['GET / HTTP/1.1\r\nHost: [::1\r\n\r\n', 'host_bad', 'half an IPv6 literal'],
    ['GET / HTTP/1.1\r\nHost: http://a\r\n\r\n', 'host_bad', 'a URL'],
    ['GET / HTTP/1.1\r\nHost: \xe4.example\r\n\r\n', 'host_bad', 'a byte beyond ASCII'],
    ['GET http://a/ HTTP/1.1\r\nHost: a@b\r\n\r\n', 'host_bad', 'a bad one beside an absolute target'],
    ['GET / HTTP/1.0\r\nHost: a@b\r\n\r\n', 'host_bad', 'a bad one in HTTP/1.0'],
  ]
  for (const [text, fault, why] of wrong) {
    test(`${why}: ${fault}`, () => assert.equal(request(text).verdict, fault))
  }

  test('may be empty where no name is needed: with an absolute target, with *, in HTTP/1.0', () => {
    for (const [line, name] of [
      ['GET http://a/ HTTP/1.1', 'a'],
      ['OPTIONS * HTTP/1.1', ''],
      ['GET / HTTP/1.0', ''],
    ] as const) {
      const { verdict, head } = request(`${line}\r\nHost:\r\n\r\n`)
      assert.equal(verdict, 'whole', line)
      assert.equal(head.host, name)
    }
  })

  test('is the same whether it was seen before or not', () => {
    for (const name of [
      'a.example:1',
      'A.example:1',
      'a.example:2',
      'a.example:1',
      'b.example:1',
      '[::1]:1',
    ]) {
      const { head } = request(`GET / HTTP/1.1\r\nHost: ${name}\r\n\r\n`)
      assert.equal(head.authority, name.toLowerCase())
    }
    for (let i = 0; i < 300; i++) {
      const { head } = request(`GET / HTTP/1.1\r\nHost: h${i}.example\r\n\r\n`)
      assert.equal(head.host, `h${i}.example`)
    }
  })
})
