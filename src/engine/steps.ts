/**
 * The walk over the steps of a route, in each of its directions. Only the walk: what is sent at its end, and what an
 * exception costs, is for the engine.
 *
 * Invariants: a child walks only the steps from `x.firstStep` on; `x.step` is the step that runs; after a step that
 * did not answer NEXT, `x` may be finished and is not touched, so each function tells by its return value alone
 * whether the walk came to its end.
 */
import type { Fault } from '../core/faults.ts'
import {
  NEXT,
  PHASE_FAULT,
  PHASE_REQUEST,
  PHASE_RESPONSE,
  WAIT,
  type Exchange,
  type Handler,
} from '../http/exchange.ts'
import { HeldBody } from './held-body.ts'

const noHandlers: readonly Handler[] = []

function handlersOf(x: Exchange): readonly Handler[] {
  return x.route === null ? noHandlers : x.route.handlers
}

/** Calls `onRequest` of the steps from `from` on. True: none of them took the exchange. */
export function walkInward(x: Exchange, from: number): boolean {
  x.phase = PHASE_REQUEST
  const handlers = handlersOf(x)
  for (let i = from; i < handlers.length; i++) {
    x.step = i
    x.stepsBegun = i + 1
    if ((handlers[i] as Handler).onRequest(x) !== NEXT) return false
  }
  x.step = handlers.length
  return true
}

/** Calls `onResponse` of the steps from `from` backward. True: the answer may be sent. */
export function walkOutward(x: Exchange, from: number): boolean {
  x.phase = PHASE_RESPONSE
  const handlers = handlersOf(x)
  for (let i = Math.min(from, handlers.length - 1); i >= x.firstStep; i--) {
    const handler = handlers[i] as Handler
    if (handler.onResponse === undefined) continue
    x.step = i
    const { life } = x
    const flow = handler.onResponse(x)
    if (flow === NEXT) continue
    // Unless it was woken within the call, what arrives of the body meanwhile is held.
    const isWaiting = flow === WAIT && x.life === life && x.phase === PHASE_RESPONSE && !x.isHeadSent
    if (isWaiting && !(x.out instanceof HeldBody)) x.out = new HeldBody(x.out)
    return false
  }
  return true
}

/** Calls `onFault` of the steps from `from` backward. True: none of them answered. */
export function walkFault(x: Exchange, fault: Fault, from: number): boolean {
  x.phase = PHASE_FAULT
  const handlers = handlersOf(x)
  for (let i = Math.min(from, handlers.length - 1); i >= x.firstStep; i--) {
    const handler = handlers[i] as Handler
    if (handler.onFault === undefined) continue
    x.step = i
    if (handler.onFault(x, fault) !== NEXT) return false
  }
  return true
}

/** Calls `onErrorAnswer` of all steps: an answer to what failed before they were begun is theirs, too. */
export function walkErrorAnswer(x: Exchange): void {
  const handlers = handlersOf(x)
  for (let i = handlers.length - 1; i >= x.firstStep; i--) handlers[i]?.onErrorAnswer?.(x)
}

/** Calls `onInformational` of the steps before the one that informs. */
export function walkInformational(x: Exchange): void {
  const handlers = handlersOf(x)
  for (let i = Math.min(x.step, handlers.length) - 1; i >= x.firstStep; i--) handlers[i]?.onInformational?.(x)
}

/** Calls `onAbandon` of the steps that were begun. */
export function tellAbandoned(x: Exchange): void {
  const handlers = handlersOf(x)
  for (let i = x.stepsBegun - 1; i >= x.firstStep; i--) handlers[i]?.onAbandon?.(x)
}

/**
 * Calls `onFinish` of the steps that were begun; an exception in one does not keep the others from hearing of
 * it.
 */
export function tellFinished(x: Exchange, onException: (error: unknown) => void): void {
  const handlers = handlersOf(x)
  for (let i = x.stepsBegun - 1; i >= x.firstStep; i--) {
    const handler = handlers[i] as Handler
    if (handler.onFinish === undefined) continue
    try {
      handler.onFinish(x)
    } catch (error) {
      onException(error)
    }
  }
}
