/**
 * Reads an OCSP answer (RFC 6960 §4.2) and verifies that it is about this certificate, comes from its authority or a
 * responder that the authority has delegated to, and is in force now.
 *
 * Promises: what is returned may be stapled; anything else is an OcspError that says why not. Answers come over plain
 * HTTP, so nothing in them is believed before the signature is verified.
 */
import { verify, X509Certificate } from 'node:crypto'
import { DerError, readDer, Tag, type DerValue } from '../der.ts'
import type { Question } from './question.ts'

const enumerated = 0x0a
const basicAnswer = '1.3.6.1.5.5.7.48.1.1'
const answersForAuthority = '1.3.6.1.5.5.7.3.9'
/** Clocks differ: an answer may be of a little later than now. */
const skewMs = 300_000
/** How long one is taken that names no end: its authority always has a newer one (§4.2.2.1). */
const endlessMs = 3_600_000

/** The hash of each algorithm; '' where it belongs to the key. SHA-1 is not taken. */
const hashes = new Map([
  ['1.2.840.113549.1.1.11', 'sha256'],
  ['1.2.840.113549.1.1.12', 'sha384'],
  ['1.2.840.113549.1.1.13', 'sha512'],
  ['1.2.840.10045.4.3.2', 'sha256'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['1.2.840.10045.4.3.4', 'sha512'],
  ['1.3.101.112', ''],
])

const refusals = [
  '',
  'malformed request',
  'internal error',
  'try later',
  '',
  'must be signed',
  'unauthorized',
]

export class OcspError extends Error {
  /** The authority has answered, and not with "good": an answer before holds no longer. */
  readonly isVerdict: boolean
  constructor(message: string, isVerdict = false) {
    super(message)
    this.name = 'OcspError'
    this.isVerdict = isVerdict
  }
}

export interface OcspAnswer {
  readonly der: Buffer
  readonly fromMs: number
  /** Not to be shown from then on. */
  readonly untilMs: number
}

/** Throws an OcspError, also when the certificate is not good. */
export function readAnswer(bytes: Uint8Array, question: Question, wallMs: number): OcspAnswer {
  try {
    return read(bytes, question, wallMs)
  } catch (error) {
    if (error instanceof DerError) throw new OcspError(`it cannot be read: ${error.message}`)
    throw error
  }
}

function read(bytes: Uint8Array, question: Question, wallMs: number): OcspAnswer {
  const der = Buffer.from(bytes)
  const outer = readDer(der)
  if (outer.tag !== Tag.SEQUENCE) throw new DerError('it is no sequence')
  const code = outer.part(0, enumerated).content[0] ?? 0
  if (code !== 0) throw new OcspError(`the authority refuses: ${refusals[code] || `status ${code}`}`)
  const typed = outer.part(1, 0xa0).part(0, Tag.SEQUENCE)
  if (typed.part(0, Tag.OID).oid() !== basicAnswer) throw new OcspError('it is of a kind that nobody knows')
  const basic = readDer(typed.part(1, Tag.OCTET_STRING).content)
  const told = basic.part(0, Tag.SEQUENCE)
  verifyAnswer(basic, told, question, wallMs)
  return { der, ...validity(singleAnswer(told, question), wallMs) }
}

function verifyAnswer(basic: DerValue, told: DerValue, { issuer }: Question, wallMs: number): void {
  const hash = hashes.get(basic.part(1, Tag.SEQUENCE).part(0, Tag.OID).oid())
  if (hash === undefined) throw new OcspError('it is signed by an algorithm that is not taken')
  const signature = basic.part(2, Tag.BIT_STRING).content.subarray(1)
  const sent = basic.parts()[3]?.part(0, Tag.SEQUENCE).parts() ?? []
  for (const signer of [issuer, ...sent.map(({ whole }) => certificateOf(whole))]) {
    if (signer !== issuer && !mayAnswer(signer, issuer, wallMs)) continue
    if (verify(hash === '' ? null : hash, told.whole, signer.publicKey, signature)) return
  }
  throw new OcspError('it is not signed by the authority, nor by one that may answer for it')
}

function certificateOf(bytes: Buffer): X509Certificate {
  try {
    return new X509Certificate(bytes)
  } catch {
    throw new DerError('a certificate in it is none')
  }
}

/** The authority has signed it itself, for this alone (§4.2.2.2). */
function mayAnswer(signer: X509Certificate, issuer: X509Certificate, wallMs: number): boolean {
  const uses = signer.keyUsage as readonly string[] | undefined
  return (
    uses?.includes(answersForAuthority) === true &&
    Date.parse(signer.validFrom) <= wallMs + skewMs &&
    Date.parse(signer.validTo) > wallMs &&
    signer.checkIssued(issuer) &&
    signer.verify(issuer.publicKey)
  )
}

/** ResponseData (§4.2.1): version [0]?, responderID [1] or [2], producedAt, responses. */
function singleAnswer(told: DerValue, { certificateId }: Question): DerValue {
  const list = told.parts().find(({ tag }) => tag === Tag.SEQUENCE)
  const found = list?.parts().find((one) => isAbout(one.part(0, Tag.SEQUENCE), certificateId))
  if (found === undefined) throw new OcspError('it is about another certificate')
  return found
}

/** The same hashes and serial: NULL as the parameters of the hash may stand there or not. */
function isAbout(found: DerValue, certificateId: Buffer): boolean {
  const wanted = readDer(certificateId)
  const isSame = (i: number): boolean => found.part(i).whole.equals(wanted.part(i).whole)
  return (
    found.part(0).part(0).whole.equals(wanted.part(0).part(0).whole) && isSame(1) && isSame(2) && isSame(3)
  )
}

/** SingleResponse: certID, certStatus, thisUpdate, nextUpdate [0]?. */
function validity(single: DerValue, wallMs: number): { fromMs: number; untilMs: number } {
  const { tag } = single.part(1)
  if (tag === 0xa1) throw new OcspError('the certificate is revoked', true)
  if (tag !== 0x80) throw new OcspError('the authority does not know the certificate', true)
  const fromMs = timeOf(single.part(2, Tag.GENERALIZED_TIME))
  const next = single.parts().find((part) => part.tag === 0xa0)
  const untilMs = next === undefined ? fromMs + endlessMs : timeOf(next.part(0, Tag.GENERALIZED_TIME))
  if (fromMs > wallMs + skewMs) throw new OcspError('it is of a time to come: is the clock right?')
  if (untilMs <= wallMs) throw new OcspError('it was in force until ' + new Date(untilMs).toISOString())
  return { fromMs, untilMs }
}

function timeOf({ content }: DerValue): number {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(content.toString('latin1'))
  if (match === null) throw new DerError('a time cannot be read')
  const [year = 0, month = 0, ...rest] = match.slice(1).map(Number)
  return Date.UTC(year, month - 1, ...rest)
}
