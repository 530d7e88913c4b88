/** Where a command finds the admin listener of a running server: in its config, or as it is told. */
import type { Option } from './command.ts'
import { chooseConfigFile, loadAndTell } from './config-file.ts'
import { printError, styledError } from './terminal.ts'

export const adminOptions: readonly Option[] = [
  { name: 'config', short: 'c', value: 'FILE', description: 'The config file of the running server.' },
  {
    name: 'admin',
    short: '',
    value: 'ADDRESS',
    description: 'Its admin listener: "unix:/path" or "127.0.0.1:port".',
  },
]

/** The admin address in the config; null when the file is wrong or names none: that was told, with `instead`. */
export async function adminOf(named: string | undefined, instead: string): Promise<string | null> {
  const file = chooseConfigFile(named)
  if (file === null) return null
  const { document } = await loadAndTell(file)
  if (document === null) return null
  if (document.admin.listen !== '') return document.admin.listen
  printError(`${styledError('red', 'headgate:')} the config has no "admin"; ${instead}`)
  return null
}
