/**
 * Explains in the errors log why no route took a request. A scanner asks for a thousand such things a second, so at
 * most `notesPerSecondMax` of them are explained; all are counted and appear in the access log.
 */
import type { Exchange } from '../http/exchange.ts'
import type { Observer } from './observer.ts'
import type { Router } from './plan.ts'

export const notesPerSecondMax = 10

export class UnroutedNotes {
  readonly #observer: Observer
  #second = -1
  #notes = 0

  constructor(observer: Observer) {
    this.#observer = observer
  }

  note(x: Exchange, router: Router, nowMs: number): void {
    const second = Math.floor(nowMs / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#notes = 0
    }
    if (++this.#notes > notesPerSecondMax) return
    const reasons: string[] = []
    router.explain(x, (sentence) => {
      reasons.push(sentence)
    })
    const { method, scheme, authority, path } = x.request
    const url = `${scheme}://${authority}${path}`
    this.#observer.note('info', `no route takes ${method} ${url} (${x.requestId}): ${reasons.join('; ')}`)
  }
}
