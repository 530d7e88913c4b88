/**
 * The places where a machine keeps the roots that it trusts, and how a root is added and removed: the lists of Debian
 * and Red Hat, the keychain of macOS, and the NSS databases that Chromium and Firefox use on Linux.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { homedir, platform } from 'node:os'
import { join } from 'node:path'

export interface TrustStore {
  readonly name: string
  /** Returns '' when it is done, else why not. */
  install(rootFile: string): string
  remove(rootFile: string): string
}

/** The root has this name in every store, so that it is found again. */
const label = 'Headgate local authority'
const fileName = 'headgate-local-authority.crt'

/** The trust stores of this machine. */
export function trustStores(): TrustStore[] {
  const stores: TrustStore[] = []
  if (platform() === 'darwin') stores.push(keychain)
  else if (existsSync('/usr/local/share/ca-certificates'))
    stores.push(folderStore('/usr/local/share/ca-certificates', ['update-ca-certificates']))
  else if (existsSync('/etc/pki/ca-trust/source/anchors'))
    stores.push(folderStore('/etc/pki/ca-trust/source/anchors', ['update-ca-trust', 'extract']))
  if (run(['certutil', '-H']) !== 'not installed')
    for (const database of nssDatabases()) stores.push(nssStore(database))
  return stores
}

function folderStore(folder: string, update: readonly string[]): TrustStore {
  const file = join(folder, fileName)
  return {
    name: `the list of the system (${folder})`,
    install: (rootFile) => asRoot(['install', '-m', '644', rootFile, file]) || asRoot(update),
    remove: () => asRoot(['rm', '-f', file]) || asRoot(update),
  }
}

/**
 * Uses sudo where we are not root: if everything ran as root, it would look for another user's folder of
 * certificates.
 */
function asRoot(command: readonly string[]): string {
  if (process.getuid?.() === 0) return run(command)
  const problem = run(process.stdin.isTTY ? ['sudo', ...command] : ['sudo', '-n', ...command])
  return problem === 'not installed' ? `only root may run "${command.join(' ')}"` : problem
}

const systemKeychain = '/Library/Keychains/System.keychain'
const addTrusted = ['security', 'add-trusted-cert', '-d', '-r', 'trustRoot', '-k', systemKeychain] as const

const keychain: TrustStore = {
  name: 'the keychain of the system',
  install: (rootFile) => asRoot([...addTrusted, rootFile]),
  remove: (rootFile) => asRoot(['security', 'remove-trusted-cert', '-d', rootFile]),
}

function nssStore(database: string): TrustStore {
  return {
    name: `the database of browsers (${database})`,
    install(rootFile) {
      // There may be an older one of that name: certutil would keep both.
      run(['certutil', '-D', '-d', database, '-n', label])
      return run(['certutil', '-A', '-d', database, '-t', 'C,,', '-n', label, '-i', rootFile])
    },
    remove: () => run(['certutil', '-D', '-d', database, '-n', label]),
  }
}

/** The databases of Chromium and of each Firefox profile. */
function nssDatabases(): string[] {
  const home = homedir()
  const folders = [join(home, '.pki/nssdb')]
  for (const parent of ['.mozilla/firefox', 'snap/firefox/common/.mozilla/firefox']) {
    const path = join(home, parent)
    if (existsSync(path)) folders.push(...readdirSync(path).map((profile) => join(path, profile)))
  }
  return folders.filter((folder) => existsSync(join(folder, 'cert9.db'))).map((folder) => `sql:${folder}`)
}

/** Returns '' when it exited with 0, else what it printed. */
function run(command: readonly string[]): string {
  const [program = '', ...args] = command
  const { status, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: 60_000,
    // sudo asks for a password on the terminal.
    stdio: ['inherit', 'ignore', 'pipe'],
  })
  if (error !== undefined)
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'not installed' : error.message
  return status === 0 ? '' : stderr.trim().split('\n').at(-1) || `${program} ended with ${status}`
}
