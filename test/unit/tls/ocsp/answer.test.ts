import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { readDer } from '../../../../src/tls/der.ts'
import { OcspError, readAnswer } from '../../../../src/tls/ocsp/answer.ts'
import { questionAbout, requestOf, type Question } from '../../../../src/tls/ocsp/question.ts'
import { needs } from '../../../programs.ts'
import { OpensslAuthority, type Answering } from './authority.ts'

const dayMs = 86_400_000
const url = 'http://ocsp.example.com:8080/at'

describe('an OCSP answer', { skip: needs('openssl') }, () => {
  let authority: OpensslAuthority
  let question: Question
  before(() => {
    authority = new OpensslAuthority(url)
    question = questionAbout(authority.chain) as Question
  })

  after(() => authority.remove())

  const answer = (how?: Answering): Buffer => authority.answer(requestOf(question), how)
  const refused = (bytes: Uint8Array, reason: RegExp, wallMs = Date.now()): void =>
    assert.throws(
      () => readAnswer(bytes, question, wallMs),
      (error) => error instanceof OcspError && reason.test(error.message),
    )

  it('is asked for where the certificate says', () => {
    assert.equal(question.url, url)
  })

  it('is taken when the authority or whom it has told to answer has signed it', () => {
    const wallMs = Date.now()
    for (const signer of ['authority', 'delegate'] as const) {
      const { fromMs, untilMs } = readAnswer(answer({ signer }), question, wallMs)
      assert.ok(Math.abs(fromMs - wallMs) < 120_000)
      assert.equal(untilMs - fromMs, 7 * dayMs)
    }
  })

  it('is not taken when anybody else has, under the same authority too', () => {
    refused(answer({ signer: 'unasked' }), /not signed by the authority/)
    refused(answer({ signer: 'stranger' }), /not signed by the authority/)
  })

  it('is not taken when a bit of what it says is another', () => {
    const bytes = answer()
    const basic = readDer(readDer(bytes).part(1).part(0).part(1).content)
    const [told, , signature] = basic.parts().map(({ whole }) => bytes.indexOf(whole))
    for (let at = told ?? 0; at < (signature ?? 0) + 60; at += 3) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 4
      assert.throws(
        () => readAnswer(changed, question, Date.now()),
        (error) => error instanceof OcspError,
        `byte ${at}`,
      )
    }
  })

  it('is not taken when it is cut', () => {
    const bytes = answer()
    for (let length = 0; length < bytes.length; length += 5)
      assert.throws(() => readAnswer(bytes.subarray(0, length), question, Date.now()), OcspError)
  })

  it('says that the certificate is revoked', () => {
    refused(answer({ status: 'R' }), /revoked/)
  })

  it('is not taken when it is about another certificate', (t) => {
    const other = OpensslAuthority.for(t, url)
    const about = questionAbout(other.chain) as Question
    refused(other.answer(requestOf(about)), /not signed|another certificate/)
    assert.throws(
      () => readAnswer(answer(), { ...about, issuer: question.issuer }, Date.now()),
      /another certificate/,
    )
  })

  it('holds from its time to its end, and for an hour when it names none', () => {
    const [bytes, wallMs] = [answer(), Date.now()]
    refused(bytes, /in force until/, wallMs + 7 * dayMs + 1000)
    refused(bytes, /a time to come/, wallMs - 400_000)
    const { fromMs, untilMs } = readAnswer(answer({ days: 0 }), question, Date.now())
    assert.equal(untilMs - fromMs, 3_600_000)
  })

  it('may be a refusal', () => {
    refused(Buffer.from('30030a0103', 'hex'), /refuses: try later/)
    refused(Buffer.from('30030a0106', 'hex'), /refuses: unauthorized/)
  })
})

describe('no question is asked', { skip: needs('openssl') }, () => {
  it('about a certificate that names no responder', (t) => {
    assert.equal(questionAbout(OpensslAuthority.for(t, '').chain), null)
  })

  it('about one whose issuer is not there', (t) => {
    const { chain } = OpensslAuthority.for(t, url)
    const end = chain.indexOf('-----END CERTIFICATE-----\n') + 26
    assert.equal(questionAbout(chain.slice(0, end)), null)
    assert.equal(questionAbout(chain.slice(0, end) + OpensslAuthority.for(t, url).authorityPem), null)
  })
})
