#!/usr/bin/env node
// The program. In the source checkout it runs src/, whose types Node strips; when installed it runs dist/.
import { existsSync } from 'node:fs'
// As a whole: an old Node has not got the function, and must come as far as the sentence below.
import module from 'node:module'

const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(`headgate needs Node 24 or newer; this is Node ${process.versions.node}.`)
  if (existsSync(new URL('../node_modules/node/bin/node', import.meta.url)))
    console.error('In this checkout `npx headgate` and `npm start` run with the Node that npm ci installed.')
  process.exit(1)
}

// Keeps compiled code from one start to the next: the second start takes about half the time.
module.enableCompileCache?.()

const source = new URL('../src/cli/main.ts', import.meta.url)
const built = new URL('../dist/cli/main.js', import.meta.url)
const { main } = await import(existsSync(source) ? source : built)
await main(process.argv.slice(2))
