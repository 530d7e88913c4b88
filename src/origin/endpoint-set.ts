/**
 * EndpointSet: the addresses of one server, and which of them the next request takes.
 *
 * Addresses of the family that the resolver puts first are used in turn; those of the other family stand in when none
 * of the first can be connected to ("localhost" has two addresses, and two programs may be behind them). An address
 * that faults is passed over for a while, so the next attempt takes the next one.
 */
import { isIPv6 } from 'node:net'
import type { TransportAddress } from '../net/transport.ts'
import type { Endpoint } from './endpoint.ts'

export class EndpointSet {
  #list: readonly Endpoint[] = []
  /** The index from which the next turn starts to look. */
  #turn = 0

  get list(): readonly Endpoint[] {
    return this.#list
  }

  get isAnyAvailable(): boolean {
    return this.#list.some((endpoint) => endpoint.passing.isAvailable)
  }

  /** The last fault of the address that has been without one for longest; -Infinity when one never had any. */
  get faultedAtMs(): number {
    let least = Infinity
    for (const endpoint of this.#list) least = Math.min(least, endpoint.passing.faultedAtMs)
    return least
  }

  /** The next in turn or, when all are passed over, the least recently faulted one; null when there are none. */
  choose(): Endpoint | null {
    const list = this.#list
    const n = list.length
    if (n === 1) return list[0] as Endpoint
    let spare: Endpoint | null = null
    let worst: Endpoint | null = null
    for (let k = 0; k < n; k++) {
      const i = (this.#turn + k) % n
      const endpoint = list[i] as Endpoint
      if (!endpoint.passing.isAvailable) {
        if (worst === null || endpoint.passing.faultedAtMs < worst.passing.faultedAtMs) worst = endpoint
      } else if (endpoint.isSpare) spare ??= endpoint
      else {
        this.#turn = (i + 1) % n
        return endpoint
      }
    }
    return spare ?? worst
  }

  /** The endpoint with this address; null when the name no longer leads there. */
  find(addressText: string): Endpoint | null {
    return this.#list.find((endpoint) => endpoint.addressText === addressText) ?? null
  }

  /**
   * Sets the addresses. Endpoints of addresses that stay are kept, with their connections. Returns those that
   * were removed.
   */
  replace(
    addresses: readonly TransportAddress[],
    make: (address: TransportAddress) => Endpoint,
  ): readonly Endpoint[] {
    const before = this.#list
    const firstIsIPv6 = isIPv6(addresses[0]?.host ?? '')
    const list: Endpoint[] = []
    for (const address of addresses) {
      const isSame = (known: Endpoint): boolean => isSameAddress(known.address, address)
      if (list.some(isSame)) continue
      const endpoint = before.find(isSame) ?? make(address)
      endpoint.isSpare = isIPv6(address.host) !== firstIsIPv6
      list.push(endpoint)
    }
    this.#list = list
    this.#turn = 0
    const gone = before.filter((endpoint) => !list.includes(endpoint))
    for (const endpoint of gone) endpoint.isGone = true
    return gone
  }
}

function isSameAddress(a: TransportAddress, b: TransportAddress): boolean {
  return a.host === b.host && a.port === b.port && a.path === b.path
}
