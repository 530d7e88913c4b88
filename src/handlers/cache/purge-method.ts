/**
 * PurgeMethod: `PURGE /path`, for clients that the config allows it: everything that is stored for this URL is
 * removed, in every worker. All other purges are made through the admin listener.
 */
import { toldOf, type PurgeTotal } from '../../cache/purge/purge-total.ts'
import { keyHost, type CacheKey } from '../../cache/keys/key.ts'
import type { SharedCache } from '../../cache/shared-cache.ts'
import { Faults } from '../../core/faults.ts'
import type { Networks } from '../../guard/networks.ts'
import { DONE, WAIT, type Exchange, type Flow } from '../../http/exchange.ts'
import { Field } from '../../http/known-fields.ts'

/** What the purge came to, on the exchange that waits for it. */
export class PurgeAnswer {
  readonly total: PurgeTotal

  constructor(total: PurgeTotal) {
    this.total = total
  }
}

export class PurgeMethod {
  readonly #cache: SharedCache
  readonly #allowed: Networks
  readonly #key: CacheKey

  constructor(cache: SharedCache, allowed: Networks, key: CacheKey) {
    this.#cache = cache
    this.#allowed = allowed
    this.#key = key
  }

  onRequest(x: Exchange, slot: number): Flow {
    if (!this.#allowed.has(x.clientAddress)) {
      x.fail(Faults.ACCESS_DENIED)
      return DONE
    }
    const { request } = x
    const isSoft = request.fields.getByName('soft-purge') === '1'
    const target = {
      kind: 'url',
      host: keyHost(request),
      target: this.#key.targetOf(request.target),
      site: this.#key.site,
    } as const
    const turn = x.beginWait()
    // It tells of workers that are silent, and never rejects.
    void this.#cache.purge([{ target, isSoft }]).then((total) => {
      if (x.turn !== turn) return
      x.state[slot] = new PurgeAnswer(total)
      x.reenter(turn)
    })
    return WAIT
  }

  /** The exchange comes in again. */
  onAnswer(x: Exchange, answer: PurgeAnswer): Flow {
    const { total } = answer
    x.response.status = total.missing === 0 ? 200 : 504
    x.response.fields.addKnown(Field.CONTENT_TYPE, 'application/json')
    x.answerWhole(Buffer.from(JSON.stringify(toldOf(total)) + '\n'))
    return DONE
  }
}
