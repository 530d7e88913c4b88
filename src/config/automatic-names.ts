/** Which hosts of the sites get an automatic certificate, and from whom; and what prevents it for the others. */
import { isIP } from 'node:net'
import { isLocalName } from '../tls/acme/local-authority.ts'
import { isSubjectName, isWildcard, covers } from '../tls/subject-names.ts'

export interface AutomaticNames {
  readonly publicNames: readonly string[]
  readonly localNames: readonly string[]
  readonly localPatterns: readonly string[]
  /** Hosts without a certificate, and why; sentences with a remedy. */
  readonly problems: readonly { readonly host: string; readonly message: string }[]
}

export interface NameSources {
  /** The hosts of the sites in lower case, possibly with '*' among them. */
  readonly hosts: readonly string[]
  /** Is there a certificate from a file for this host? */
  readonly hasCertificate: (host: string) => boolean
  readonly hasAcme: boolean
  readonly hasDns: boolean
}

export function automaticNames({ hosts, hasCertificate, hasAcme, hasDns }: NameSources): AutomaticNames {
  const publicNames: string[] = []
  const localNames = new Set<string>()
  const localPatterns: string[] = []
  const problems: { host: string; message: string }[] = []
  for (const host of new Set(hosts)) {
    if (host === '*' || hasCertificate(host)) continue
    if (!isSubjectName(host)) problems.push({ host, message: `no certificate can be for "${host}"` })
    else if (isLocalName(host)) {
      if (isWildcard(host)) localPatterns.push(host)
      else localNames.add(host)
    } else if (isWildcard(host) && !(hasAcme && hasDns))
      problems.push({ host, message: wildcardRemedy(host) })
    else if (!hasAcme) problems.push({ host, message: remedy(host) })
    else publicNames.push(host)
  }
  const wildcards = publicNames.filter(isWildcard)
  const isCovered = (name: string): boolean =>
    !isWildcard(name) && wildcards.some((wildcard) => covers(wildcard, name))
  // A config that names no CA is a first try on this machine; its addresses are in the same certificate.
  if (!hasAcme && !hasCertificate('localhost')) localNames.add('localhost')
  return {
    publicNames: publicNames.filter((name) => !isCovered(name)),
    localNames: [...localNames],
    localPatterns,
    problems,
  }
}

function remedy(host: string): string {
  const what = isIP(host) === 0 ? host : `the address ${host}`
  return `there is no certificate for ${what}: set tls.acme.email to have one made, or name one in tls.certificates`
}

function wildcardRemedy(host: string): string {
  return `there is no certificate for ${host}: a CA gives one for a wildcard by dns-01 only; set tls.acme.dns, or name one in tls.certificates`
}
