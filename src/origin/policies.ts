/**
 * The balancing policies, by the name that the config gives them. A new one is a file, a line here, and its name
 * there.
 */
import { LeastRequests } from './least-requests.ts'
import type { PolicyName } from './options.ts'
import type { BalancerPolicy } from './policy.ts'
import { RoundRobin } from './round-robin.ts'

type PolicyClass = new (random: () => number) => BalancerPolicy

export const policies: Readonly<Record<PolicyName, PolicyClass>> = {
  'round-robin': RoundRobin,
  'least-requests': LeastRequests,
}

export const policyNames = Object.keys(policies) as readonly PolicyName[]
