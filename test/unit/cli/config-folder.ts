/**
 * A folder with configs for command lines to work on, `good.yaml` and `bad.yaml`. It goes with the process: several files of
 * tests share one, and this module is loaded for the first of them alone.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const folder: string = mkdtempSync(join(tmpdir(), 'headgate-cli-'))
process.once('exit', () => rmSync(folder, { recursive: true }))

/** For `commandLine` and `headgate`: in this folder. */
export const here: { readonly cwd: string } = { cwd: folder }

const good = `origins:
  app: 10.0.0.11:3000
sites:
  www.example.com:
    - { match: /old/*, redirect: /new/$1 }
    - match: /api/*
      rewrite: { stripPrefix: /api }
      headers: { request: { set: { X-User: '{cookie.user}' } } }
      origin: app
trustedProxies: 10.0.0.0/8
`
writeFileSync(join(folder, 'good.yaml'), good)
writeFileSync(join(folder, 'bad.yaml'), good.replace('redirect', 'redirct'))
