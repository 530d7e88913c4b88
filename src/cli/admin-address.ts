/**
 * Where a command finds the admin listener of a running server (by the config, or as it is told), and how it asks
 * there.
 */
import { askAdmin, type AdminReply } from '../admin/client.ts'
import { errorCode, thisUser } from '../core/file-errors.ts'
import type { Option, Parsed } from './command.ts'
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

/**
 * The admin address: named by --admin, or in the config. null when the file is wrong or names none: that was told, with
 * what to do `instead`.
 */
export async function adminOf(
  parsed: Parsed,
  instead = 'add one, or name it with --admin',
): Promise<string | null> {
  const named = parsed.value('admin')
  if (named !== undefined) return named
  const file = chooseConfigFile(
    parsed.value('config'),
    'the admin listener of the running server with --admin unix:/run/headgate/admin.sock',
  )
  if (file === null) return null
  const { document } = await loadAndTell(file)
  if (document === null) return null
  if (document.admin.listen !== '') return document.admin.listen
  printError(`${styledError('red', 'headgate:')} the config has no "admin"; ${instead}`)
  return null
}

/** Rejects with a sentence for people when nobody answers. */
export async function askServer(
  listen: string,
  method: 'GET' | 'POST',
  path: string,
  body = '',
): Promise<AdminReply> {
  try {
    return await askAdmin(listen, method, path, body)
  } catch (error) {
    throw new Error(`nobody answers at ${listen}: ${reasonOf(error)}`, { cause: error })
  }
}

function reasonOf(error: unknown): string {
  switch (errorCode(error)) {
    case 'ENOENT':
      return 'there is no such socket; is Headgate running, with this "admin" in its config?'
    case 'ECONNREFUSED':
      return 'nobody listens there; is Headgate running, with this "admin" in its config?'
    case 'EACCES':
    case 'EPERM':
      return `${thisUser()} may not use the socket; ask as the user that Headgate runs as, or one of its group`
    default:
      return error instanceof Error ? error.message : 'no answer'
  }
}
