/** dns-01 by dynamic updates, against a server that a test lets say anything. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { dnsByUpdate, type DnsUpdateOptions } from '../../../../../src/tls/acme/dns/update.ts'
import { AcmeError } from '../../../../../src/tls/acme/problem.ts'
import {
  DnsPrimary,
  inZone,
  keyName,
  octetsOf,
  recordOf,
  secret,
  type Reply,
  type Request,
} from './dns-primary.ts'

const challenge = {
  type: 'dns-01',
  name: 'www.example.com',
  token: 'abc',
  keyAuthorization: 'abc.def',
} as const
const value = createHash('sha256').update('abc.def').digest('base64url')
const owner = '_acme-challenge.www.example.com'
const update = 5

interface World {
  readonly primary: DnsPrimary
  readonly present: (signal?: AbortSignal) => Promise<() => Promise<void>>
  /** What was changed: 'ZONE add NAME', 'ZONE delete NAME'. */
  readonly changes: () => string[]
}

interface Given extends Partial<DnsUpdateOptions> {
  readonly hearsUdp?: boolean
}

async function world(
  t: TestContext,
  answer: (request: Request) => Reply | readonly Reply[] | null,
  { hearsUdp = true, ...given }: Given = {},
): Promise<World> {
  const primary = await DnsPrimary.start(t, answer, hearsUdp)
  const answerer = dnsByUpdate({
    server: { host: '127.0.0.1', port: primary.port },
    key: { name: keyName, algorithm: 'hmac-sha256', secret },
    zone: '',
    waitMs: 0,
    nowMs: () => Date.now(),
    aliasOf: async () => '',
    ...given,
  })
  return {
    primary,
    present: (signal = new AbortController().signal) => answerer.present(challenge, signal),
    changes: () => primary.requests.filter(({ opcode }) => opcode === update).map(changeOf),
  }
}

/** Of the one record of the update section. */
function changeOf({ bytes, name, questionEnd }: Request): string {
  const labels: string[] = []
  let at = questionEnd
  for (let length = bytes[at] ?? 0; length > 0; length = bytes[at] ?? 0) {
    labels.push(bytes.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  const what = bytes.readUInt16BE(at + 3) === 1 ? 'add' : 'delete'
  assert.equal(bytes.toString('latin1', at + 12, at + 12 + 43), value)
  return `${name} ${what} ${labels.join('.')}`
}

/** What a server says that has this zone. */
const serving =
  (zone = 'example.com', updated: Reply | readonly Reply[] | null = {}) =>
  ({ opcode }: Request): Reply | readonly Reply[] | null =>
    opcode === update ? updated : inZone(zone)

const refusals = async (
  promise: Promise<unknown>,
  kind: AcmeError['kind'],
  message: RegExp,
): Promise<void> => {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof AcmeError, String(error))
  assert.match(error.message, message)
  assert.equal(error.kind, kind)
}

test('the record is put into the zone that the server has, and taken out again', async (t) => {
  const { present, changes } = await world(t, serving())
  const withdraw = await present()
  assert.deepEqual(changes(), [`example.com add ${owner}`])
  await withdraw()
  assert.deepEqual(changes(), [`example.com add ${owner}`, `example.com delete ${owner}`])
})

test('a server that tells its zones only of names in them is asked from the name up', async (t) => {
  const { present, primary, changes } = await world(t, ({ opcode, name }) =>
    opcode === update
      ? {}
      : name === 'example.com'
        ? { records: inZone('example.com').records ?? [] }
        : { code: 5 },
  )
  await present()
  assert.deepEqual(
    primary.requests.slice(0, 3).map(({ name }) => name),
    [owner, 'www.example.com', 'example.com'],
  )
  assert.deepEqual(changes(), [`example.com add ${owner}`])
})

test('a zone that was named is updated, and a name outside of it is told', async (t) => {
  const named = await world(t, ({ opcode }) => (opcode === update ? {} : { code: 5 }), {
    zone: 'www.example.com',
  })
  await named.present()
  assert.deepEqual(named.changes(), [`www.example.com add ${owner}`])
  const other = await world(t, serving(), { zone: 'other.example' })
  await refusals(other.present(), 'refused', /is to update the zone other\.example .* is not in it/)
})

const cname = (from: string, to: string): Reply => ({ records: [[1, recordOf(from, 5, octetsOf(to))]] })

test('a CNAME is followed, where this server has it or another', async (t) => {
  const own = await world(t, ({ opcode, name }) =>
    opcode === update ? {} : name === owner ? cname(owner, 'c.acme.example') : inZone('acme.example'),
  )
  await own.present()
  assert.deepEqual(own.changes(), ['acme.example add c.acme.example'])
  const elsewhere = await world(
    t,
    ({ opcode, name }) =>
      opcode === update ? {} : name.endsWith('acme.example') ? inZone('acme.example') : { code: 5 },
    { aliasOf: async (name) => (name === owner ? 'd.acme.example' : '') },
  )
  await elsewhere.present()
  assert.deepEqual(elsewhere.changes(), ['acme.example add d.acme.example'])
  const circle = await world(t, () => ({ code: 5 }), { aliasOf: async (name) => name })
  await refusals(circle.present(), 'refused', /one CNAME after the other, more than 8/)
})

test('nothing is put above a delegation to other servers', async (t) => {
  const referral: Reply = { records: [[2, recordOf('www.example.com', 2, octetsOf('ns.other'))]] }
  const { present, changes } = await world(t, ({ opcode, name }) =>
    opcode === update ? {} : name.endsWith('www.example.com') ? referral : inZone('example.com'),
  )
  await refusals(present(), 'refused', /has no zone for _acme-challenge\.www\.example\.com/)
  assert.deepEqual(changes(), [])
})

test('what the server refuses is told with what to do', async (t) => {
  for (const [code, message] of [
    [
      5,
      /refused \(REFUSED\): its update policy must let the key update-key change TXT records at _acme-challenge\.www\.example\.com/,
    ],
    [9, /is not the primary server of the zone example\.com \(NOTAUTH\)/],
    [10, /NOTZONE/],
    [2, /SERVFAIL/],
    [4, /does not take dynamic updates/],
    [1, /FORMERR/],
    [7, /answered with the error 7/],
  ] as const) {
    const { present } = await world(t, serving('example.com', { code }))
    await refusals(present(), 'refused', message)
  }
})

test('what is wrong with the key is told: it cannot be signed, and nothing has been done', async (t) => {
  for (const [error, message] of [
    [16, /has another secret for the key update-key \(BADSIG\)/],
    [17, /knows no key update-key of this algorithm \(BADKEY\)/],
  ] as const) {
    const { present } = await world(t, () => ({ code: 9, signature: { macBytes: 0, error } }))
    await refusals(present(), 'refused', message)
  }
  const other = Buffer.alloc(6)
  other.writeUIntBE(1_700_000_000, 0, 6)
  const late = await world(t, () => ({ code: 9, signature: { error: 18, other } }))
  await refusals(
    late.present(),
    'refused',
    /the clocks must be within 300 s; its clock shows 2023-11-14T22:13:20/,
  )
  const plain = await world(t, () => ({ code: 5, signature: 'none' }))
  await refusals(plain.present(), 'refused', /REFUSED/)
})

/** Soon, so that a test of silence does not take long; TCP has its time. */
const soon = { sentMs: [0, 10, 20], udpMs: 2000, tcpMs: 30_000 }

test('a success that is not signed, or by somebody else, is none', async (t) => {
  for (const [signature, message] of [
    ['none', /could not be asked: its answer is not signed/],
    [{ secret: Buffer.from('guessed') }, /the signature of its answer is not right/],
    [{ seconds: 1 }, /the time of its answer is not ours/],
  ] as const) {
    const forged = serving('example.com', { signature })
    const { present } = await world(t, forged, { times: { ...soon, tcpMs: 2000 } })
    await refusals(present(), 'unreachable', message)
  }
})

test('an answer that is forged does not keep the right one from being taken', async (t) => {
  const forged: Reply = { code: 0, signature: { secret: Buffer.from('guessed') } }
  const { present, changes } = await world(t, ({ opcode }) =>
    opcode === update ? [forged, {}] : [forged, inZone('example.com')],
  )
  await present()
  assert.equal(changes().length, 1)
})

test('TCP is asked where an answer over UDP is cut short', async (t) => {
  const { present, primary } = await world(t, (request) =>
    request.isTcp ? serving()(request) : { flags: 0x0200, signature: 'none' },
  )
  await present()
  assert.ok(primary.requests.some(({ opcode, isTcp }) => opcode === update && isTcp))
})

test('where nothing comes over UDP it is sent three times, and then over TCP', async (t) => {
  const sent: boolean[] = []
  const { present } = await world(
    t,
    (request) => {
      if (request.name === owner) sent.push(request.isTcp)
      return request.isTcp ? serving()(request) : null
    },
    { times: soon },
  )
  await present()
  assert.deepEqual(sent, [false, false, false, true])
})

test('a message that is too long for UDP goes over TCP', async (t) => {
  const deep = `${`${'a'.repeat(60)}.`.repeat(3)}example.com`
  const primary = await DnsPrimary.start(t, serving(deep), false)
  const answerer = dnsByUpdate({
    server: { host: '127.0.0.1', port: primary.port },
    key: { name: keyName, algorithm: 'hmac-sha256', secret },
    zone: deep,
    waitMs: 0,
    nowMs: () => Date.now(),
    times: soon,
  })
  await answerer.present({ ...challenge, name: deep }, new AbortController().signal)
  const updates = primary.requests.filter(({ opcode }) => opcode === update)
  assert.deepEqual(
    updates.map(({ isTcp }) => isTcp),
    [true],
  )
})

test('a server that nobody listens on, and one that says nothing, are told', async (t) => {
  const { primary, present } = await world(t, () => null, { times: { ...soon, udpMs: 50, tcpMs: 300 } })
  await refusals(
    present(),
    'unreachable',
    /the DNS server 127\.0\.0\.1:\d+ could not be asked: it does not answer/,
  )
  const gone = dnsByUpdate({
    server: { host: '127.0.0.1', port: 1 },
    key: { name: keyName, algorithm: 'hmac-sha256', secret },
    zone: '',
    waitMs: 0,
    nowMs: () => Date.now(),
  })
  assert.ok(primary.port !== 1)
  await refusals(gone.present(challenge, new AbortController().signal), 'unreachable', /nobody listens there/)
})

test('an order that is given up while the DNS follows takes its record away', async (t) => {
  const { present, changes } = await world(t, serving(), { waitMs: 600_000 })
  const order = new AbortController()
  const presenting = present(order.signal)
  const failed = assert.rejects(presenting)
  while (changes().length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  order.abort()
  await failed
  assert.deepEqual(changes(), [`example.com add ${owner}`, `example.com delete ${owner}`])
})

test('an order that is given up while the server is silent ends at once', async (t) => {
  const { present, primary } = await world(t, () => null)
  const order = new AbortController()
  const failed = assert.rejects(present(order.signal), { name: 'AbortError' })
  while (primary.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  order.abort()
  await failed
})
