/** TSIG (RFC 8945), held against MACs that are made here of the octets that its §4.3 lists. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { Opcode, readMessage, RecordType, writeMessage } from '../../../../../src/tls/acme/dns/message.ts'
import { signRequest, verifyResponse, type TsigKey } from '../../../../../src/tls/acme/dns/tsig.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')

const secret = Buffer.from('secret')
const key: TsigKey = { name: 'k.example', algorithm: 'hmac-sha256', secret }
const keyOctets = '01 6b 07 6578616d706c65 00'
const algorithmOctets = '0b 686d61632d736861323536 00'
const nowSeconds = 0x5_0000_0001
const timeOctets = '0005 00000001 012c'
const request = writeMessage({ id: 7, opcode: Opcode.UPDATE, name: 'example', type: RecordType.SOA })

test('a request is digested with its variables, and the signature is the last additional record', () => {
  const { bytes, mac } = signRequest(request, key, nowSeconds)
  const variables = hex(`${keyOctets} 00ff 00000000 ${algorithmOctets} ${timeOctets} 0000 0000`)
  const expected = createHmac('sha256', secret).update(request).update(variables).digest()
  assert.deepEqual(mac, expected)
  const data = Buffer.concat([hex(`${algorithmOctets} ${timeOctets} 0020`), expected, hex('0007 0000 0000')])
  const length = data.length.toString(16).padStart(4, '0')
  assert.deepEqual(
    bytes,
    Buffer.concat([
      request.subarray(0, 10),
      hex('0001'),
      request.subarray(12),
      hex(`${keyOctets} 00fa 00ff 00000000 ${length}`),
      data,
    ]),
  )
})

test('the digest goes by the algorithm of the key', () => {
  for (const [algorithm, length] of [
    ['hmac-sha384', 48],
    ['hmac-sha512', 64],
  ] as const)
    assert.equal(signRequest(request, { ...key, algorithm }, 1).mac.length, length)
})

interface Change {
  readonly secret?: Buffer
  readonly keyOctets?: string
  readonly algorithmOctets?: string
  readonly macBytes?: number
  readonly error?: string
  readonly other?: string
  readonly originalId?: string
  readonly recordClass?: string
  readonly behind?: Buffer
}

const requestMac = Buffer.alloc(32, 5)

/** An answer that is signed as RFC 8945 §5.3 has it, but for what is changed. */
function signed(change: Change = {}): ReturnType<typeof readMessage> {
  const { error = '0000', other = '', macBytes = 32, behind = Buffer.alloc(0) } = change
  const message = hex('0007 a800 0001 0000 0000 0000 07 6578616d706c65 00 0006 0001')
  const name = change.keyOctets ?? keyOctets
  const algorithm = change.algorithmOctets ?? algorithmOctets
  const end = error + (other.length / 2).toString(16).padStart(4, '0') + other
  const mac = createHmac('sha256', change.secret ?? secret)
    .update(hex('0020'))
    .update(requestMac)
    .update(message)
    .update(hex(`${name} 00ff 00000000 ${algorithm} ${timeOctets} ${end}`))
    .digest()
    .subarray(0, macBytes)
  const data = Buffer.concat([
    hex(`${algorithm} ${timeOctets} 00${macBytes.toString(16).padStart(2, '0')}`),
    mac,
    hex((change.originalId ?? '0007') + end),
  ])
  const head = Buffer.from(message.subarray(0, 12))
  head.writeUInt16BE(behind.length > 0 ? 2 : 1, 10)
  const record = hex(`${name} 00fa ${change.recordClass ?? '00ff'} 00000000 00${data.length.toString(16)}`)
  return readMessage(Buffer.concat([head, message.subarray(12), record, data, behind]))
}

function verdictOf(change: Change = {}, atSeconds = nowSeconds): string {
  const response = signed(change)
  assert.ok(response !== null)
  const { state, reason } = verifyResponse(response, key, requestMac, atSeconds)
  return reason === '' ? state : `${state}: ${reason}`
}

test('an answer is verified by a MAC that covers that of the request, and the original id', () => {
  assert.equal(verdictOf(), 'verified')
  const response = signed()
  assert.ok(response !== null)
  assert.equal(verifyResponse(response, key, Buffer.alloc(32, 6), nowSeconds).state, 'wrong')
})

test('another secret, a shorter MAC or another id is not right', () => {
  for (const change of [{ secret: Buffer.from('other') }, { macBytes: 16 }, { originalId: '0008' }])
    assert.equal(verdictOf(change), 'wrong: the signature of its answer is not right')
})

test('another key or algorithm is not right, whatever it has signed', () => {
  assert.match(verdictOf({ keyOctets: '01 6c 00' }), /^wrong: .* another key/)
  assert.match(verdictOf({ algorithmOctets: '09 686d61632d73686131 00' }), /^wrong: .* another key/)
})

test('a time that is more than the fudge away is not ours (RFC 8945 §5.2.3)', () => {
  assert.equal(verdictOf({}, nowSeconds + 300), 'verified')
  assert.equal(verdictOf({}, nowSeconds - 300), 'verified')
  assert.match(verdictOf({}, nowSeconds + 301), /^wrong: the time/)
  assert.match(verdictOf({}, nowSeconds - 301), /^wrong: the time/)
})

test('a signature that is not the last record, or of another class, is not right', () => {
  const another = hex('00 0001 0001 00000000 0000')
  assert.match(verdictOf({ behind: another }), /^wrong: .* not where it belongs/)
  assert.match(verdictOf({ recordClass: '0001' }), /^wrong: .* not where it belongs/)
})

test('what has no MAC is unsigned, also when it tells why', () => {
  const plain = readMessage(hex('0007 a809 0000 0000 0000 0000'))
  assert.ok(plain !== null)
  assert.equal(verifyResponse(plain, key, requestMac, nowSeconds).state, 'unsigned')
  const response = signed({ macBytes: 0, error: '0011' })
  assert.ok(response !== null)
  const verdict = verifyResponse(response, key, requestMac, nowSeconds)
  assert.deepEqual([verdict.state, verdict.error], ['unsigned', 17])
})

test('with BADTIME the server tells what its clock shows (RFC 8945 §5.2.3)', () => {
  const response = signed({ error: '0012', other: '000500000400' })
  assert.ok(response !== null)
  const verdict = verifyResponse(response, key, requestMac, nowSeconds)
  assert.deepEqual([verdict.state, verdict.error, verdict.serverSeconds], ['verified', 18, 0x5_0000_0400])
})

test('any octets in the place of a signature are judged without an exception', () => {
  const whole = signed()
  assert.ok(whole !== null)
  for (let at = 12; at < whole.bytes.length; at++) {
    for (const octet of [0, 1, 0x7f, 0xff]) {
      const bytes = Buffer.from(whole.bytes)
      const isSame = bytes[at] === octet
      bytes[at] = octet
      const message = readMessage(bytes)
      if (message === null || isSame) continue
      assert.notEqual(verifyResponse(message, key, requestMac, nowSeconds).state, 'verified', `octet ${at}`)
    }
  }
})
