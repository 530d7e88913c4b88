/** A folder with configs for command lines to work on, `good.yaml` and `bad.yaml`; it goes when the tests of the file end. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

export const folder: string = mkdtempSync(join(tmpdir(), 'headgate-cli-'))
after(() => rmSync(folder, { recursive: true }))

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
