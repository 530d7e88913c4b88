/**
 * A route of three steps that write down what they are asked, and do what a test has them do.
 */
import type { Fault } from '../../../src/core/faults.ts'
import { DONE, NEXT, type Exchange, type Flow, type Handler } from '../../../src/http/exchange.ts'
import { World, planOf } from './fakes.ts'

export class Step implements Handler {
  readonly name: string
  readonly log: string[]
  request: (x: Exchange) => Flow = () => NEXT
  response: (x: Exchange) => Flow = () => NEXT
  fault: (x: Exchange, fault: Fault) => Flow = () => NEXT

  constructor(name: string, log: string[]) {
    this.name = name
    this.log = log
  }

  onRequest(x: Exchange): Flow {
    this.log.push(`${this.name} request`)
    return this.request(x)
  }

  onResponse(x: Exchange): Flow {
    this.log.push(`${this.name} response`)
    return this.response(x)
  }

  onFault(x: Exchange, fault: Fault): Flow {
    this.log.push(`${this.name} fault`)
    return this.fault(x, fault)
  }

  onInformational(): void {
    this.log.push(`${this.name} informational`)
  }

  onAbandon(): void {
    this.log.push(`${this.name} abandon`)
  }

  onFinish(): void {
    this.log.push(`${this.name} finish`)
  }
}

export function threeSteps(): { world: World; a: Step; b: Step; c: Step; log: string[] } {
  const log: string[] = []
  const [a, b, c] = ['a', 'b', 'c'].map((name) => new Step(name, log)) as [Step, Step, Step]
  return { world: new World(planOf([a, b, c])), a, b, c, log }
}

export function answerText(x: Exchange, text: string): Flow {
  x.response.status = 200
  x.answerWhole(Buffer.from(text))
  return DONE
}
