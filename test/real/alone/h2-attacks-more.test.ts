/** Further attacks on HTTP/2: other ways to make us reset streams, and other frames for nothing. */
import { furtherAttacks } from '../h2-attack-list.ts'
import { testAttacks } from '../h2-attack-rounds.ts'

testAttacks(furtherAttacks)
