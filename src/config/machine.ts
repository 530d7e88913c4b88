/**
 * What a config needs of the machine that it is for, and this one has not: the package behind HTTP/3, and folders that can
 * be written. Asked by `headgate check`, so that it is known before a start, and not by a start, which finds out by itself.
 *
 * Folders are warnings: they may be made later (systemd makes those of a service as it starts it), and who checks may be
 * another user than who runs.
 */
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { errorCode, whyUnwritten } from '../core/file-errors.ts'
import { loadProvider } from '../h3/load-provider.ts'
import { ListenError } from '../net/listen-error.ts'
import type { ConfigDocument } from './document.ts'
import type { ConfigPath, ConfigProblem } from './problem.ts'

/** `loadQuic` throws a sentence when HTTP/3 cannot be had. */
export function machineProblems(
  document: ConfigDocument,
  baseDirectory: string,
  loadQuic: () => unknown = loadProvider,
): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  const tell = (path: ConfigPath, message: string, severity: 'error' | 'warning' = 'warning'): void => {
    if (message !== '') problems.push({ path, message, severity, onKey: false })
  }
  const { listeners, log, admin, cache, tls } = document
  const http3 = listeners.findIndex((listener) => listener.http3 === true)
  if (http3 >= 0) tell(['listeners', http3, 'http3'], whyNoHttp3(loadQuic), 'error')
  for (const [i, { path }] of listeners.entries()) if (path !== '') tell(['listeners', i], whyNoSocket(path))
  if (admin.listen.startsWith('unix:')) tell(['admin'], whyNoSocket(admin.listen.slice('unix:'.length)))
  if (log.access !== false && log.accessFile !== undefined)
    tell(['log', 'accessFile'], whyNoLog(resolve(baseDirectory, log.accessFile)))
  if (log.errorFile !== undefined) tell(['log', 'errorFile'], whyNoLog(resolve(baseDirectory, log.errorFile)))
  if (cache.disk !== undefined && cache.disk !== false)
    tell(['cache', 'disk'], whyNoFolder(resolve(baseDirectory, cache.disk.path), 'nothing is kept on disk'))
  if (tls.storage !== undefined)
    tell(
      ['tls', 'storage'],
      whyNoFolder(resolve(baseDirectory, tls.storage), 'no certificate is made by itself'),
    )
  return problems
}

// Each gives '' when all is well.

function whyNoHttp3(loadQuic: () => unknown): string {
  try {
    loadQuic()
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

function whyNoLog(path: string): string {
  try {
    if (existsSync(path) && statSync(path).isDirectory()) return `${path} is a folder; name a file in it`
    accessSync(existsSync(path) ? path : dirname(path), constants.W_OK)
    return ''
  } catch (error) {
    return `${path} cannot be opened, so the start would fail: ${whyUnwritten(error, path)}`
  }
}

function whyNoSocket(path: string): string {
  try {
    accessSync(dirname(path), constants.W_OK)
    return ''
  } catch (error) {
    return `the start would fail: ${new ListenError(errorCode(error), { host: '', port: 0, path }).message}`
  }
}

/** Of a folder that is made when it is not there. */
function whyNoFolder(folder: string, then: string): string {
  let there = folder
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there)
  try {
    if (!statSync(there).isDirectory()) return `${there} is no folder: ${then}`
    accessSync(there, constants.W_OK)
    return ''
  } catch (error) {
    return `${folder} cannot be written, so ${then}: ${whyUnwritten(error, there)}`
  }
}
