/** Accounts at a CA (RFC 8555 §7.3): made once, and found again by their key. */
import type { KeyObject } from 'node:crypto'
import type { AcmeClient, Signer } from './client.ts'
import { bindAccount } from './jws.ts'
import { AcmeError } from './problem.ts'

/** What the CA shows on its own pages: a key id and a base64url MAC key (RFC 8555 §7.3.4). */
export interface ExternalBinding {
  readonly kid: string
  readonly hmacKey: string
}

export interface AccountWish {
  readonly key: KeyObject
  /** '' for none. */
  readonly email: string
  readonly binding?: ExternalBinding
}

/** Makes an account for the key, or finds the one that it has. Resolves to what signs requests from now on. */
export async function openAccount(
  client: AcmeClient,
  wish: AccountWish,
  signal?: AbortSignal,
): Promise<Signer> {
  const directory = await client.directory(signal)
  const { key, email, binding } = wish
  if (directory.isAccountBound && binding === undefined)
    throw new AcmeError('refused', 'this CA wants tls.acme.eab: a key id and a key from your account there', {
      type: 'externalAccountRequired',
    })
  const payload = {
    termsOfServiceAgreed: true,
    ...(email === '' ? {} : { contact: [`mailto:${email}`] }),
    ...(binding === undefined
      ? {}
      : {
          externalAccountBinding: bindAccount(key, binding.kid, binding.hmacKey, directory.newAccount),
        }),
  }
  const answer = await client.post({ key }, directory.newAccount, payload, 'an account', signal)
  if (answer.location === '') throw new AcmeError('refused', 'the CA gave the account no URL')
  const status = answer.json['status']
  if (typeof status === 'string' && status !== 'valid')
    throw new AcmeError('refused', `the account at the CA is ${status}`)
  return { key, url: answer.location }
}
