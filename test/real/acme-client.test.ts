/**
 * The ACME client by itself, as a library, against Pebble.
 */
import assert from 'node:assert/strict'
import { X509Certificate, type KeyObject } from 'node:crypto'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../../src/core/clock.ts'
import { openAccount } from '../../src/tls/acme/account.ts'
import { keyAuthorizationHash, type Answerer } from '../../src/tls/acme/challenge.ts'
import { AcmeClient, type AcmeClientOptions, type Signer } from '../../src/tls/acme/client.ts'
import { issue } from '../../src/tls/acme/order.ts'
import { AcmeError } from '../../src/tls/acme/problem.ts'
import { splitChain } from '../../src/tls/certificate-facts.ts'
import { makeKey } from '../../src/tls/keys.ts'
import { needs } from '../programs.ts'
import { Pebble } from './pebble.ts'

const skip = needs('pebble', 'pebble-challtestsrv')

/** Answers http-01 on a port of its own. */
async function webAnswerer(t: TestContext): Promise<{ answerer: Answerer; port: number; asked: string[] }> {
  const answers = new Map<string, string>()
  const asked: string[] = []
  const server = http.createServer((request, response) => {
    asked.push(request.url ?? '')
    response.end(answers.get(request.url ?? ''))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.closeAllConnections())
  t.after(() => server.close())
  const answerer: Answerer = {
    type: 'http-01',
    async present({ token, keyAuthorization }) {
      answers.set(`/.well-known/acme-challenge/${token}`, keyAuthorization)
      return async () => void answers.delete(`/.well-known/acme-challenge/${token}`)
    },
  }
  return { answerer, port: (server.address() as AddressInfo).port, asked }
}

async function openClient(
  t: TestContext,
  pebble: Pebble,
  more: Partial<AcmeClientOptions> = {},
): Promise<AcmeClient> {
  const client = new AcmeClient({
    directoryUrl: pebble.directoryUrl,
    clock: systemClock,
    roots: pebble.roots,
    ...more,
  })
  t.after(() => client.close())
  return client
}

async function newSigner(client: AcmeClient, key?: KeyObject): Promise<Signer> {
  return openAccount(client, { key: key ?? (await makeKey('p256')), email: 'admin@example.com' })
}

test('a certificate by http-01, with every second nonce refused', { skip }, async (t) => {
  const { answerer, port, asked } = await webAnswerer(t)
  const pebble = await Pebble.start(t, { httpPort: port, noncesRefused: 50, reuse: 0 })
  const client = await openClient(t, pebble)
  const signer = await newSigner(client)
  const key = await makeKey('p256')
  const names = ['www.example.com', 'example.com']
  const issued = await issue(client, signer, { names, key, answerers: [answerer] })
  const leaf = new X509Certificate(issued.chain)
  assert.equal(leaf.subjectAltName, 'DNS:www.example.com, DNS:example.com')
  assert.ok(leaf.checkPrivateKey(key))
  assert.equal(splitChain(issued.chain).length, 2)
  const [, issuer = ''] = splitChain(issued.chain)
  assert.ok(new X509Certificate(issuer).checkIssued(new X509Certificate(await pebble.root())))
  assert.deepEqual(issued.answered, ['http-01'])
  assert.ok(asked.length >= 2)
  assert.ok(client.noncesRefused > 0)
})

test('an account is found again by its key, and an RSA certificate had', { skip }, async (t) => {
  const { answerer, port } = await webAnswerer(t)
  const pebble = await Pebble.start(t, { httpPort: port })
  const client = await openClient(t, pebble)
  const key = await makeKey('p256')
  const [first, second] = [await newSigner(client, key), await newSigner(client, key)]
  assert.equal(first.url, second.url)
  const rsa = await makeKey('rsa2048')
  const issued = await issue(client, first, { names: ['rsa.example.com'], key: rsa, answerers: [answerer] })
  assert.equal(new X509Certificate(issued.chain).publicKey.asymmetricKeyType, 'rsa')
})

test('a wildcard goes by dns-01 although http-01 comes first', { skip }, async (t) => {
  const { answerer, port } = await webAnswerer(t)
  const pebble = await Pebble.start(t, { httpPort: port })
  const client = await openClient(t, pebble)
  const dns: Answerer = {
    type: 'dns-01',
    async present({ name, keyAuthorization }) {
      const host = `_acme-challenge.${name}.`
      await pebble.setText(host, keyAuthorizationHash(keyAuthorization).toString('base64url'))
      return () => pebble.setText(host, null)
    },
  }
  const wish = { names: ['*.example.com'], key: await makeKey('p256'), answerers: [answerer, dns] }
  const issued = await issue(client, await newSigner(client), wish)
  assert.equal(new X509Certificate(issued.chain).subjectAltName, 'DNS:*.example.com')
  assert.deepEqual(issued.answered, ['dns-01'])
})

test('a CA that wants accounts bound gets them bound, or says what is missing', { skip }, async (t) => {
  const { answerer, port } = await webAnswerer(t)
  const hmacKey = 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W'
  const pebble = await Pebble.start(t, { httpPort: port, bindingKeys: { 'kid-1': hmacKey } })
  const client = await openClient(t, pebble)
  await assert.rejects(newSigner(client), /wants tls\.acme\.eab/)
  const wish = { key: await makeKey('p256'), email: '' }
  const binding = { kid: 'kid-1', hmacKey: 'bm90IHRoZSBrZXk' }
  await assert.rejects(openAccount(client, { ...wish, binding }), AcmeError)
  const signer = await openAccount(client, { ...wish, binding: { kid: 'kid-1', hmacKey } })
  await issue(client, signer, { names: ['a.example'], key: await makeKey('p256'), answerers: [answerer] })
})

test('a chain to another root is taken when it is asked for', { skip }, async (t) => {
  const { answerer, port } = await webAnswerer(t)
  const pebble = await Pebble.start(t, { httpPort: port, alternateRoots: 2 })
  const client = await openClient(t, pebble)
  const root = new X509Certificate(await pebble.root(2))
  const name = /CN=(.*)/.exec(root.subject)?.[1] as string
  const wish = {
    names: ['a.example'],
    key: await makeKey('p256'),
    answerers: [answerer],
    preferredChain: name,
  }
  const { chain } = await issue(client, await newSigner(client), wish)
  assert.ok(new X509Certificate(splitChain(chain).at(-1) as string).checkIssued(root))
})

test(
  'a name that is not ours fails with a sentence that says why, and nothing stays presented',
  { skip },
  async (t) => {
    const { answerer, port } = await webAnswerer(t)
    const pebble = await Pebble.start(t, { httpPort: port })
    const client = await openClient(t, pebble)
    let withdrawn = 0
    const wrong: Answerer = {
      type: 'http-01',
      async present(challenge, signal) {
        const withdraw = await answerer.present({ ...challenge, keyAuthorization: 'wrong' }, signal)
        return async () => {
          withdrawn++
          await withdraw()
        }
      },
    }
    const wish = { names: ['a.example'], key: await makeKey('p256'), answerers: [wrong] }
    await assert.rejects(issue(client, await newSigner(client), wish), (error: AcmeError) => {
      assert.equal(error.kind, 'failed')
      assert.match(
        error.message,
        /could not confirm a\.example by http-01: .*\[(unauthorized|incorrectResponse)\]/,
      )
      return true
    })
    assert.equal(withdrawn, 1)
    await assert.rejects(
      issue(client, await newSigner(client), { ...wish, names: ['*.b.example'] }),
      /offers dns-01, and this server can answer http-01; tls\.acme\.dns would allow dns-01/,
    )
  },
)

test('a CA that is not there, or is not trusted, is told as such', { skip }, async (t) => {
  const pebble = await Pebble.start(t)
  const stranger = new AcmeClient({ directoryUrl: pebble.directoryUrl, clock: systemClock })
  t.after(() => stranger.close())
  await assert.rejects(stranger.directory(), /authority that is not trusted .*tls\.acme\.caFile/)
  const gone = await openClient(t, pebble, { directoryUrl: 'https://127.0.0.1:1/dir' })
  await assert.rejects(gone.directory(), (error: AcmeError) => error.kind === 'unreachable')
})
