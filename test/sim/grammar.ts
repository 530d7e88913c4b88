/**
 * Messages gone wrong, from a seed: the corpus, cut, doubled, spliced and salted with the tokens that parsers quarrel
 * about.
 */
import { hostileAnswers } from '../golden/hostile/answers.ts'
import { hostileRequests } from '../golden/hostile/requests.ts'
import type { Random } from './random.ts'

const salt = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '0\r\n\r\n',
  '\r\n\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding : chunked\r\n',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'content-length:\t5\r\n',
  'Host: b.example\r\n',
  'Connection: close\r\n',
  'Connection: keep-alive, te\r\n',
  'Connection: upgrade\r\nUpgrade: websocket\r\n',
  'Expect: 100-continue\r\n',
  'Trailer: x-a\r\n',
  'TE: trailers\r\n',
  'HTTP/1.1',
  'HTTP/1.0',
  'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n',
  '5\r\nhello\r\n',
  'ffffffffffffffff\r\n',
  '\x80\xff',
  '%00',
  '%2e%2e/',
  '//',
  'a'.repeat(300),
]

const requestBases = hostileRequests.map((request) => request.bytes).filter((bytes) => bytes.length < 3000)
const answerBases = hostileAnswers.map((answer) => answer.bytes).filter((bytes) => bytes.length < 3000)

function mutateOnce(text: string, random: Random, bases: readonly string[]): string {
  const at = random.between(0, text.length)
  const to = Math.min(text.length, at + random.between(0, 20))
  switch (random.between(0, 6)) {
    case 0:
      return text.slice(0, at) + text.slice(to)
    case 1:
      return text.slice(0, to) + text.slice(at)
    case 2:
    case 3:
      return text.slice(0, at) + random.pick(salt) + text.slice(at)
    case 4:
      return text.slice(0, at) + String.fromCharCode(random.between(0, 255)) + text.slice(at + 1)
    case 5: {
      const other = random.pick(bases)
      return text.slice(0, at) + other.slice(random.between(0, other.length))
    }
    default:
      return text.slice(0, at)
  }
}

function mutate(random: Random, bases: readonly string[]): string {
  let text = random.pick(bases)
  for (let n = random.between(1, 4); n > 0; n--) text = mutateOnce(text, random, bases)
  return text.slice(0, 6000)
}

export const mutatedRequest = (random: Random): string => mutate(random, requestBases)
export const mutatedAnswer = (random: Random): string => mutate(random, answerBases)
