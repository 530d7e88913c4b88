/** maintenance: ends a route with a 503 and the operator's page, or ours, until the config says otherwise. */
import { Faults } from '../core/faults.ts'
import { DONE, type Exchange, type Flow, type Handler } from '../http/exchange.ts'

export function createMaintenance(): Handler {
  return new Maintenance()
}

class Maintenance implements Handler {
  readonly name = 'maintenance'

  onRequest(x: Exchange): Flow {
    x.fail(Faults.MAINTENANCE)
    return DONE
  }

  explain(_x: Exchange, say: (sentence: string) => void): Flow {
    say('answers 503: the route is under maintenance')
    return DONE
  }
}
