/** The Walk of an exchange that no steps are walked for: a connection passed on unread, a request that is explained. */
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
