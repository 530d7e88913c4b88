/** Compiles `tls.acme` and the hosts of the sites into what the process does to obtain certificates automatically. */
import { resolve } from 'node:path'
import type { AutomaticSettings } from '../tls/acme/automatic.ts'
import type { Clock } from '../core/clock.ts'
import type { Answerer, ChallengeType } from '../tls/acme/challenge.ts'
import { dnsByProgram } from '../tls/acme/dns/program.ts'
import type { TsigKey } from '../tls/acme/dns/tsig.ts'
import { dnsByUpdate } from '../tls/acme/dns/update.ts'
import { defaultStorageFolder } from '../tls/acme/storage-folder.ts'
import type { AcmeDocument } from './acme-schema.ts'
import type { AutomaticNames } from './automatic-names.ts'
import type { DnsDocument } from './dns-schema.ts'

export interface AutomaticWish {
  readonly acme: AcmeDocument | null
  /** tls.storage; '' when it was left out. */
  readonly storage: string
  readonly names: AutomaticNames
  /** Is there a listener without TLS, on which a CA can ask? */
  readonly hasPlainListener: boolean
  /** The PEM text of the file that tls.acme.caFile names; '' when it names none. */
  readonly roots: string
  /** The key of tls.acme.dns.update; null when there is none. */
  readonly tsigKey: TsigKey | null
  readonly clock: Clock
  /** The folder of the config. */
  readonly baseDirectory: string
}

export function automaticSettings(wish: AutomaticWish): AutomaticSettings {
  const { acme, storage, names, baseDirectory } = wish
  const dns = acme?.dns === undefined ? null : answererOf(acme.dns, wish)
  const onDemand = acme?.onDemand
  return {
    storageFolder:
      storage === ''
        ? defaultStorageFolder(process.env, process.getuid?.() ?? -1)
        : resolve(baseDirectory, storage),
    publicNames: names.publicNames,
    localNames: names.localNames,
    localPatterns: names.localPatterns,
    challenges: acme?.challenges ?? challengesFor(wish.hasPlainListener, dns !== null),
    dns,
    acme: acme === null ? null : acmeOf(acme, wish.roots),
    onDemand:
      onDemand === undefined
        ? null
        : {
            ask: onDemand.ask ?? '',
            allow: onDemand.allow,
            anHourMax: onDemand.perHour,
            namesMax: onDemand.namesMax,
          },
  }
}

function answererOf({ exec, update, wait: waitMs }: DnsDocument, wish: AutomaticWish): Answerer | null {
  if (exec !== undefined) return dnsByProgram({ command: commandOf(exec, wish.baseDirectory), waitMs })
  const { tsigKey: key } = wish
  if (update === undefined || key === null) return null
  const { server, zone = '' } = update
  return dnsByUpdate({ server, key, zone, waitMs, nowMs: () => wish.clock.wallMs() })
}

function acmeOf(acme: AcmeDocument, roots: string): NonNullable<AutomaticSettings['acme']> {
  return {
    directoryUrl: acme.directory,
    email: acme.email ?? '',
    keyKind: acme.key,
    profile: acme.profile,
    preferredChain: acme.preferredChain,
    ...(acme.eab === undefined ? {} : { binding: acme.eab }),
    ...(roots === '' ? {} : { roots }),
  }
}

/** The kinds of challenge that need no preparation. */
function challengesFor(hasPlainListener: boolean, hasDns: boolean): ChallengeType[] {
  const types: ChallengeType[] = hasPlainListener ? ['http-01', 'tls-alpn-01'] : ['tls-alpn-01']
  return hasDns ? [...types, 'dns-01'] : types
}

/** A program given by a path is found from the folder of the config; one given by name is looked for as usual. */
function commandOf(command: readonly string[], baseDirectory: string): readonly string[] {
  const [program = '', ...args] = command
  return [program.includes('/') ? resolve(baseDirectory, program) : program, ...args]
}
