#!/usr/bin/env node
// The program. In the source checkout it runs src/, whose types Node strips; when installed it runs dist/.
import { existsSync, lstatSync, mkdirSync } from 'node:fs'
// As a whole: an old Node has not got the function, and must come as far as the sentence below.
import module from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(`headgate needs Node 24 or newer; this is Node ${process.versions.node}.`)
  if (existsSync(new URL('../node_modules/node/bin/node', import.meta.url)))
    console.error('In this checkout `npx headgate` and `npm start` run with the Node that npm ci installed.')
  process.exit(1)
}

// Keeps compiled code from one start to the next: the second start takes about half the time.
const compiled = compiledFolder()
if (compiled !== '') module.enableCompileCache?.(compiled)

const source = new URL('../src/cli/main.ts', import.meta.url)
const built = new URL('../dist/cli/main.js', import.meta.url)
const { main } = await import(existsSync(source) ? source : built)
await main(process.argv.slice(2))

/**
 * Where it is kept: a folder that nobody else can have made or can write to, since what lies there is run. Node's own
 * choice is one below /tmp, which any user of the machine can make first. '' where there is none.
 */
function compiledFolder() {
  try {
    // What systemd has made for it (examples/systemd), or a user's own.
    const made = process.env.CACHE_DIRECTORY?.split(':').find((path) => path.endsWith('/headgate-compiled'))
    const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
    const folder = made ?? join(base, 'headgate-compiled')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const { uid, mode } = lstatSync(folder)
    return uid === process.getuid?.() && (mode & 0o022) === 0 ? folder : ''
  } catch {
    return ''
  }
}
