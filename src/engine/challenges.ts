/**
 * Answers to http-01 challenges (RFC 8555 §8.3), before any route and whatever the routes say: a CA asks for
 * /.well-known/acme-challenge/TOKEN in clear text. Only tokens that were given to us are answered. Others take the
 * ordinary way, so an origin behind us can keep an ACME client of its own.
 */
import { Field } from '../http/known-fields.ts'
import type { Exchange } from '../http/exchange.ts'

export interface HttpChallenges {
  /** How many challenges are open: nearly always 0, and then nothing else is looked at. */
  readonly size: number
  /** The answer to this token; null: the token is not ours. */
  httpAnswer(token: string): string | null
}

const prefix = '/.well-known/acme-challenge/'

/** Answers x if it asks for one of our tokens. */
export function answersChallenge(x: Exchange, challenges: HttpChallenges): boolean {
  const { path, method } = x.request
  if (!path.startsWith(prefix) || (method !== 'GET' && method !== 'HEAD')) return false
  const answer = challenges.httpAnswer(path.slice(prefix.length))
  if (answer === null) return false
  x.response.status = 200
  x.response.fields.addKnown(Field.CONTENT_TYPE, 'application/octet-stream')
  x.answerWhole(Buffer.from(answer))
  return true
}
