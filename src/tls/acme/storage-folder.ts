/**
 * Where certificates are kept when the config does not say: where the service manager says (systemd's
 * StateDirectory), else in the place that the operating system has for such files.
 */
import { homedir } from 'node:os'
import { join } from 'node:path'

export function defaultStorageFolder(environment: NodeJS.ProcessEnv, userId: number): string {
  const { STATE_DIRECTORY: state = '', XDG_DATA_HOME: data = '' } = environment
  const [first = ''] = state.split(':')
  if (first !== '') return first
  if (userId === 0) return '/var/lib/headgate'
  return join(data === '' ? join(homedir(), '.local/share') : data, 'headgate')
}
