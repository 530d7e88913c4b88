/** Headgate at its shipped defaults, one worker; only the access log is set, as a scenario asks for it, and `cache`. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from '../processes.ts'
import type { Peer } from './peer.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const program = join(root, 'bin/headgate.js')

const common = {
  family: 'headgate',
  logs: true,
  speaksTls: true,
  missing: (): string => (existsSync(program) ? '' : 'bin/headgate.js is not there'),
  version: (): string => {
    const text = readFileSync(join(root, 'package.json'), 'utf8')
    return /"version": "([^"]+)"/.exec(text)?.[1] ?? 'unknown'
  },
}

function commandFor(route: object): Peer['command'] {
  return (setup): Command => {
    const path = join(setup.folder, 'headgate.json')
    const config = {
      listeners: [{ host: '127.0.0.1', port: setup.port, tls: setup.identity !== null }],
      ...(setup.identity === null ? {} : { tls: { certificates: [setup.identity] } }),
      origins: { app: `http://127.0.0.1:${setup.originPort}` },
      ...(setup.diskFolder === undefined
        ? {}
        : { cache: { disk: { path: setup.diskFolder, size: '1GiB' } } }),
      sites: { '*': [{ origin: 'app', ...route }] },
      workers: 1,
      log: setup.accessLog
        ? { access: 'combined', accessFile: join(setup.folder, 'access.log') }
        : { access: false },
    }
    writeFileSync(path, JSON.stringify(config, null, 2))
    return { program: process.execPath, args: [program, 'run', '--config', path], folder: setup.folder }
  }
}

export const headgate: Peer = { ...common, name: 'headgate', command: commandFor({}) }

export const headgateCache: Peer = {
  ...common,
  name: 'headgate (cache)',
  command: commandFor({ cache: true }),
}
