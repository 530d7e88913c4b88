/**
 * The Walk of an exchange for which no steps are walked: a connection passed on unread, or a request that is only
 * explained.
 */
import type { Walk } from './exchange.ts'

export const noWalk: Walk = {
  child: (x) => x,
  endChild() {},
  resume() {},
  reenter() {},
  answer() {},
  answerWhole() {},
  fail() {},
  inform() {},
  crash() {},
}
