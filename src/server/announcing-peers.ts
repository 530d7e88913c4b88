/**
 * Which peers of which listener announce the client with a PROXY protocol header. A listed peer must do so: a
 * receiver may not guess whether a header is there (§2 of the protocol), or any client could write one of its own. A
 * peer that is not listed is the client itself, and a header from it is bytes like any others: no protocol begins
 * with them.
 */
import { networksOf } from '../config/quantities.ts'
import type { ListenerPlan } from '../engine/plan.ts'
import type { Networks } from '../guard/networks.ts'
import type { Transport } from '../net/transport.ts'

export class AnnouncingPeers {
  /** By the listener's name; true means all peers, as on a unix socket, whose peers have no address. */
  #networks: ReadonlyMap<string, Networks | true> = new Map()

  configure(plans: readonly ListenerPlan[]): void {
    const networks = new Map<string, Networks | true>()
    for (const { name, path, proxyProtocol = [] } of plans) {
      if (proxyProtocol.length === 0) continue
      networks.set(name, path === '' ? networksOf(proxyProtocol) : true)
    }
    this.#networks = networks
  }

  /** Does this address announce clients, on any listener? */
  isRelay(address: string): boolean {
    for (const networks of this.#networks.values())
      if (networks !== true && networks.has(address)) return true
    return false
  }

  has(listener: string, transport: Transport): boolean {
    if (this.#networks.size === 0) return false
    const networks = this.#networks.get(listener)
    return networks === true || networks?.has(transport.remoteAddress) === true
  }
}
