/** trust: shows where the root of the local authority is, and makes this machine trust it. */
import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { systemClock } from '../core/clock.ts'
import { FileStorage } from '../tls/acme/file-storage.ts'
import { LocalAuthority, rootCertificateKey } from '../tls/acme/local-authority.ts'
import { defaultStorageFolder } from '../tls/acme/storage-folder.ts'
import { commonNameOf } from '../tls/certificate-facts.ts'
import { UsageError, type Command } from './command.ts'
import { print, printError, styled, styledError } from './terminal.ts'
import { trustStores } from './trust-store.ts'

const lockMs = 60_000

export const trustCommand: Command = {
  name: 'trust',
  usage: '[--install | --remove] [--storage FOLDER]',
  summary: 'Has this machine trust the local authority of certificates.',
  details: [
    'Names such as localhost get their certificates from an authority of this machine, which',
    'browsers do not know. Without a switch it tells where its root is. The root can only',
    'speak for local names; its private key stays in the folder of the storage.',
  ].join('\n'),
  options: [
    {
      name: 'install',
      short: '',
      value: '',
      description: 'Puts it into the list of the system and the databases of browsers.',
    },
    { name: 'remove', short: '', value: '', description: 'Takes it out of them again.' },
    {
      name: 'storage',
      short: '',
      value: 'FOLDER',
      description: 'Where certificates are kept: tls.storage of the config.',
    },
  ],
  positionalsMax: 0,
  examples: ['headgate trust', 'headgate trust --install', 'headgate trust --remove'],
  async run(parsed) {
    if (parsed.has('install') && parsed.has('remove'))
      throw new UsageError('--install and --remove do not go together')
    const folder = parsed.value('storage') ?? defaultStorageFolder(process.env, process.getuid?.() ?? -1)
    const authority = new LocalAuthority(new FileStorage(folder), systemClock)
    const root = new X509Certificate(await authority.root(AbortSignal.timeout(lockMs)))
    const file = join(folder, rootCertificateKey)
    print(
      `${styled('bold', file)}\n  ${commonNameOf(root.subject) ?? root.subject}, good until ${root.validTo}`,
    )
    print(`  SHA-256 ${root.fingerprint256}`)
    if (parsed.has('install')) return change('install', file)
    return parsed.has('remove') ? change('remove', file) : 0
  },
}

function change(what: 'install' | 'remove', file: string): number {
  const stores = trustStores()
  if (stores.length === 0) {
    printError(`${styledError('red', 'headgate:')} this machine has no list of roots that is known here`)
    return 1
  }
  let failed = 0
  for (const store of stores) {
    const problem = store[what](file)
    if (problem === '')
      print(`${styled('green', what === 'install' ? 'put into' : 'taken out of')} ${store.name}`)
    else {
      failed++
      printError(`${styledError('red', 'headgate:')} ${store.name}: ${problem}`)
    }
  }
  return failed > 0 ? 1 : 0
}
