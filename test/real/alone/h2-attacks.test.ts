/** The known attacks on HTTP/2. */
import { knownAttacks } from '../h2-attack-list.ts'
import { testAttacks } from '../h2-attack-rounds.ts'

testAttacks(knownAttacks)
