/**
 * gRPC end to end: a client and a server of another implementation, with Headgate between them on HTTP/2 without TLS.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as grpc from '@grpc/grpc-js'
import { createServer, type HeadgateServer } from '../../src/index.ts'

const asBytes = (text: string): Buffer => Buffer.from(text)
const asText = (bytes: Buffer): string => bytes.toString()

function methodOf(
  path: string,
  requestStream: boolean,
  responseStream: boolean,
): grpc.MethodDefinition<string, string> {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: asBytes,
    requestDeserialize: asText,
    responseSerialize: asBytes,
    responseDeserialize: asText,
  }
}

const service = {
  unary: methodOf('/test.Echo/Unary', false, false),
  collect: methodOf('/test.Echo/Collect', true, false),
  count: methodOf('/test.Echo/Count', false, true),
  chat: methodOf('/test.Echo/Chat', true, true),
}

type Handlers = {
  unary: grpc.handleUnaryCall<string, string>
  collect: grpc.handleClientStreamingCall<string, string>
  count: grpc.handleServerStreamingCall<string, string>
  chat: grpc.handleBidiStreamingCall<string, string>
}

const cancelled: string[] = []

const handlers: Handlers = {
  unary(call, reply) {
    if (call.request === 'fail') {
      const metadata = new grpc.Metadata()
      metadata.set('x-detail', 'of the failure')
      return reply({ code: grpc.status.FAILED_PRECONDITION, details: 'as you wish', metadata })
    }
    // Never answered: the deadline of the call ends it.
    if (call.request === 'sleep') return void call.on('cancelled', () => cancelled.push('sleep'))
    const trailers = new grpc.Metadata()
    trailers.set('x-sum', String(call.request.length))
    reply(null, `${call.request}!`, trailers)
  },
  collect(call, reply) {
    const words: string[] = []
    call.on('data', (word: string) => words.push(word))
    call.on('end', () => reply(null, words.join(' ')))
  },
  count(call) {
    for (let n = 0; n < Number(call.request); n++) call.write(String(n))
    call.end()
  },
  chat(call) {
    call.on('data', (word: string) => call.write(word.toUpperCase()))
    call.on('end', () => call.end())
    call.on('cancelled', () => cancelled.push('chat'))
  },
}

/** A client's calls, as promises. */
class Calls {
  readonly client: grpc.Client
  constructor(port: number) {
    this.client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure())
  }

  unary(
    text: string,
    deadlineMs = 10_000,
  ): Promise<{ text: string; error: grpc.ServiceError | null; trailers: grpc.Metadata | null }> {
    return new Promise((resolve) => {
      let trailers: grpc.Metadata | null = null
      const options = { deadline: Date.now() + deadlineMs }
      const { path } = service.unary
      const call = this.client.makeUnaryRequest(path, asBytes, asText, text, options, (error, value) => {
        setImmediate(() => resolve({ text: value ?? '', error, trailers }))
      })
      call.on('status', (status) => (trailers = status.metadata))
    })
  }
}

describe('gRPC through Headgate', () => {
  const origin = new grpc.Server()
  let edge: HeadgateServer
  let calls: Calls
  before(async () => {
    origin.addService(service, handlers)
    const port = await new Promise<number>((resolve, reject) => {
      const credentials = grpc.ServerCredentials.createInsecure()
      origin.bindAsync('127.0.0.1:0', credentials, (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      )
    })
    edge = await createServer({
      listeners: [{ host: '127.0.0.1', port: 0 }],
      origins: { app: `h2c://127.0.0.1:${port}`, gone: 'h2c://127.0.0.1:1' },
      sites: {
        '*': [
          { match: '/gone/*', origin: 'gone' },
          { match: '/test.Echo/*', origin: 'app' },
        ],
      },
      log: { access: false },
    })
    await edge.listen()
    calls = new Calls(edge.addresses[0]?.port ?? 0)
  })
  after(async () => {
    calls.client.close()
    origin.forceShutdown()
    await edge.close({ drainMs: 0 })
  })

  test('a call and its answer, trailers included', async () => {
    const { text, error, trailers } = await calls.unary('hello')
    assert.equal(error, null)
    assert.equal(text, 'hello!')
    assert.deepEqual(trailers?.get('x-sum'), ['5'])
  })

  test('many calls at once', async () => {
    const answers = await Promise.all(Array.from({ length: 300 }, (_, n) => calls.unary(`call ${n}`)))
    for (const [n, { text }] of answers.entries()) assert.equal(text, `call ${n}!`)
  })

  test('a failure of the server, which is only trailers', async () => {
    const { error } = await calls.unary('fail')
    assert.equal(error?.code, grpc.status.FAILED_PRECONDITION)
    assert.equal(error.details, 'as you wish')
    assert.deepEqual(error.metadata.get('x-detail'), ['of the failure'])
  })

  test('a deadline that passes cancels the call at the server', async () => {
    const { error } = await calls.unary('sleep', 300)
    assert.equal(error?.code, grpc.status.DEADLINE_EXCEEDED)
    for (let n = 0; n < 100 && !cancelled.includes('sleep'); n++)
      await new Promise((go) => setTimeout(go, 20))
    assert.ok(cancelled.includes('sleep'))
  })

  test('a stream from the client', async () => {
    const text = await new Promise<string>((resolve, reject) => {
      const call = calls.client.makeClientStreamRequest(
        service.collect.path,
        asBytes,
        asText,
        (error, value) => (error === null ? resolve(value ?? '') : reject(error)),
      )
      for (const word of ['one', 'two', 'three']) call.write(word)
      call.end()
    })
    assert.equal(text, 'one two three')
  })

  test('a stream from the server, of many small messages', async () => {
    const call = calls.client.makeServerStreamRequest(service.count.path, asBytes, asText, '20000')
    let n = 0
    for await (const word of call) assert.equal(word, String(n++))
    assert.equal(n, 20_000)
  })

  test('a conversation, in which each answer comes before the next question', async () => {
    const call = calls.client.makeBidiStreamRequest(service.chat.path, asBytes, asText)
    const ended = new Promise<grpc.StatusObject>((resolve) => call.on('status', resolve))
    for (const word of ['a', 'bc', 'def']) {
      call.write(word)
      const heard = await new Promise((resolve) => call.once('data', resolve))
      assert.equal(heard, word.toUpperCase())
    }
    call.end()
    call.resume()
    assert.equal((await ended).code, grpc.status.OK)
  })

  test('a client that cancels is known to the server', async () => {
    const call = calls.client.makeBidiStreamRequest(service.chat.path, asBytes, asText)
    call.on('error', () => {})
    call.write('x')
    await new Promise((resolve) => call.once('data', resolve))
    call.cancel()
    for (let n = 0; n < 100 && !cancelled.includes('chat'); n++) await new Promise((go) => setTimeout(go, 20))
    assert.ok(cancelled.includes('chat'))
  })

  for (const [path, code] of [
    ['/gone/Call', grpc.status.UNAVAILABLE],
    ['/nowhere/Call', grpc.status.UNIMPLEMENTED],
  ] as const) {
    test(`a fault of ours is a status of gRPC: ${grpc.status[code]}`, async () => {
      const error = await new Promise<grpc.ServiceError | null>((resolve) => {
        calls.client.makeUnaryRequest(path, asBytes, asText, 'x', resolve)
      })
      assert.equal(error?.code, code)
      assert.match(error?.details ?? '', /\.$/)
    })
  }
})
