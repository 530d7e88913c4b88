/** Why a DNS server did not do what it was asked (RFC 2136 §2.2, RFC 8945 §3), in words that follow 'the server …'. */
import { fudgeSeconds, TsigError, type TsigVerdict } from './tsig.ts'

export interface AskedOf {
  readonly name: string
  readonly zone: string
  readonly keyName: string
}

const codes: Readonly<Record<number, (asked: AskedOf) => string>> = {
  1: () => 'does not understand the message (FORMERR)',
  2: () => 'had trouble of its own (SERVFAIL): may it write its zone and journal files?',
  4: () => 'does not take dynamic updates (NOTIMP)',
  5: ({ name, keyName }) =>
    `refused (REFUSED): its update policy must let the key ${keyName} change TXT records at ${name}`,
  9: ({ zone }) => `is not the primary server of the zone ${zone} (NOTAUTH)`,
  10: ({ name, zone }) => `says that ${name} is not in the zone ${zone} (NOTZONE)`,
}

export function refusalOf(code: number, asked: AskedOf, verdict?: TsigVerdict): string {
  const { keyName } = asked
  switch (verdict?.error ?? TsigError.NONE) {
    case TsigError.BADSIG:
      return `has another secret for the key ${keyName} (BADSIG)`
    case TsigError.BADKEY:
      return `knows no key ${keyName} of this algorithm (BADKEY)`
    case TsigError.BADTIME:
      return `has another time (BADTIME): the clocks must be within ${fudgeSeconds} s${clockText(verdict)}`
    case TsigError.BADTRUNC:
      return `does not take the length of the signature (BADTRUNC)`
    default:
      return codes[code]?.(asked) ?? `answered with the error ${code}`
  }
}

function clockText(verdict: TsigVerdict | undefined): string {
  const { serverSeconds = 0 } = verdict ?? {}
  return serverSeconds === 0 ? '' : `; its clock shows ${new Date(serverSeconds * 1000).toISOString()}`
}
