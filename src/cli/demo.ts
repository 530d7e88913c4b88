/** demo: Headgate in front of three small origins, with a page that shows what happens. */
import { setTimeout as sleep } from 'node:timers/promises'
import { startDemo, type Demo } from '../demo/demo.ts'
import { UsageError, type Command, type Parsed } from './command.ts'
import { print, styled } from './terminal.ts'
import { ownVersion } from './version.ts'

const portDefault = 8080
/** How long the origins and the drain have before the process ends regardless. */
const stopMs = 3000

function portOf(parsed: Parsed): number {
  const text = parsed.value('port') ?? String(portDefault)
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new UsageError(`"${text}" is not a port: 0 to 65535`)
  return port
}

async function start(port: number): Promise<Demo> {
  try {
    return await startDemo({ port, version: ownVersion() })
  } catch (error) {
    if (!(error instanceof Error) || !isTaken(error)) throw error
    const other = port < 65_535 ? port + 1 : portDefault
    throw new Error(
      `port ${port} is taken by another program.\n` +
        `  Choose another: headgate demo --port ${other}   (npm start -- --port ${other})`,
      { cause: error },
    )
  }
}

/**
 * Does the error say that a port is in use? The server says it in a sentence, with the system's error as its
 * cause or code.
 */
function isTaken(error: Error): boolean {
  const codes = [error, error.cause].map((one) => (one instanceof Error && 'code' in one ? one.code : ''))
  return codes.includes('EADDRINUSE') || /EADDRINUSE|in use|taken/.test(error.message)
}

/** Resolves at the first INT or TERM; a second one ends the process at once. */
function untilAsked(): Promise<void> {
  return new Promise((resolve) => {
    let count = 0
    const onSignal = (): void => {
      count++
      if (count > 1) process.exit(2)
      resolve()
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
}

export const demoCommand: Command = {
  name: 'demo',
  usage: '[--port PORT]',
  summary: 'Shows Headgate at work, with three small origins and a page.',
  details:
    'Starts three origin processes on free ports, Headgate in front of them, and a page\n' +
    'that sends requests and shows who answers them. Listens on 127.0.0.1 only.',
  options: [
    { name: 'port', short: 'p', value: 'PORT', description: 'Where Headgate listens; 8080 by default.' },
  ],
  positionalsMax: 0,
  examples: ['headgate demo', 'headgate demo --port 8081'],
  async run(parsed) {
    const asked = untilAsked()
    const demo = await start(portOf(parsed))
    print(`Headgate ${ownVersion()} in front of three origins: ${styled('bold', demo.url)}`)
    print('Stop with Ctrl+C.')
    await asked
    await Promise.race([demo.close(), sleep(stopMs, undefined, { ref: false })])
    return 0
  },
}
