/** warm: makes a running server fetch URLs into its cache, and shows the progress. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { readWarmOrder, type WarmProgress } from '../admin/warm-body.ts'
import { adminOf, adminOptions, askServer } from './admin-address.ts'
import { UsageError, type Command, type Parsed } from './command.ts'
import { print, printError, styled, styledError } from './terminal.ts'

/** How often the progress is looked at. */
const lookMs = 500

export const warmCommand: Command = {
  name: 'warm',
  usage: '[URL…] [--sitemap URL] [--list FILE] [--concurrency N] [--stop]',
  summary: 'Fetches URLs into the cache of a running server.',
  details: [
    'The URLs are asked for inside the server, through the routes that clients take, in each of',
    'its workers. A sitemap may be XML or text, packed with gzip, or an index of others; it is',
    'asked for in the same way. It tells how far it is until all is done; Ctrl-C ends the telling,',
    '--stop the fetching.',
  ].join('\n'),
  options: [
    { name: 'sitemap', short: 's', value: 'URL', isMany: true, description: 'All URLs that it names.' },
    {
      name: 'list',
      short: 'l',
      value: 'FILE',
      isMany: true,
      description: 'All URLs in this file, one a line; - is the standard input.',
    },
    {
      name: 'concurrency',
      short: '',
      value: 'N',
      description: 'Requests at once in each worker: 1 to 256 (4).',
    },
    {
      name: 'header',
      short: 'H',
      value: 'FIELD',
      isMany: true,
      description: 'A field of the requests, as "Accept-Language: de".',
    },
    { name: 'progress', short: '', value: '', description: 'Only tells how far it is.' },
    { name: 'stop', short: '', value: '', description: 'Gives up what is still to be fetched.' },
    { name: 'no-wait', short: '', value: '', description: 'Does not wait for the end.' },
    { name: 'json', short: '', value: '', description: 'Prints the answer as JSON.' },
    ...adminOptions,
  ],
  positionalsMax: 10_000,
  examples: [
    'headgate warm https://www.example.com/ https://www.example.com/a.css',
    'headgate warm --sitemap https://www.example.com/sitemap.xml --concurrency 8',
  ],
  async run(parsed) {
    const [path, order] = orderOf(parsed)
    const listen = await adminOf(parsed)
    if (listen === null) return 1
    const method = path === '/warm/progress' ? 'GET' : 'POST'
    const begun = await ask(listen, method, path, order)
    const isFollowed = path === '/warm' && !parsed.has('no-wait')
    const progress = isFollowed ? await follow(listen, begun, !parsed.has('json')) : begun
    return tell(progress, parsed)
  },
}

function orderOf(parsed: Parsed): readonly [path: string, body: string] {
  if (parsed.has('stop')) return ['/warm/stop', '']
  if (parsed.has('progress')) return ['/warm/progress', '']
  const listed = parsed.values('list').flatMap((file) => linesOf(file))
  const concurrency = parsed.value('concurrency')
  const order = JSON.stringify({
    url: [...parsed.positionals, ...listed],
    sitemap: parsed.values('sitemap'),
    field: parsed.values('header'),
    ...(concurrency === undefined ? {} : { concurrency: Number(concurrency) }),
  })
  const read = readWarmOrder(order)
  if (typeof read === 'string') throw new UsageError(read)
  return ['/warm', order]
}

function linesOf(file: string): string[] {
  const text = readFileSync(file === '-' ? 0 : file, 'utf8')
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
}

async function ask(
  listen: string,
  method: 'GET' | 'POST',
  path: string,
  body: string,
): Promise<WarmProgress> {
  const reply = await askServer(listen, method, path, body)
  const value = JSON.parse(reply.text) as WarmProgress & { readonly error?: string }
  if (reply.status !== 200) throw new Error(`it was refused: ${value.error ?? reply.text}`)
  return value
}

/** Follows the work to its end; on a terminal it shows the progress. */
async function follow(listen: string, begun: WarmProgress, isTold: boolean): Promise<WarmProgress> {
  const say = (text: string): void => {
    if (isTold && process.stderr.isTTY) process.stderr.write(text)
  }
  let progress = begun
  while (progress.isRunning) {
    say(`\r${lineOf(progress)}   `)
    await sleep(lookMs)
    progress = await ask(listen, 'GET', '/warm/progress', '')
  }
  say('\r')
  return progress
}

function lineOf({ done, total, hits, fetched, passed, failed, bytes }: WarmProgress): string {
  return (
    `${done} of ${total} URLs, ${bytes} bytes: ${fetched} fetched, ${hits} stored before, ` +
    `${passed} not stored, ${failed} failed`
  )
}

function tell(progress: WarmProgress, parsed: Parsed): number {
  if (parsed.has('json')) print(JSON.stringify(progress))
  else {
    print(`${styled('green', progress.isRunning ? 'warming' : 'warmed')} ${lineOf(progress)}`)
    for (const { url, reason } of progress.failures)
      printError(`${styledError('red', 'failed')} ${url}: ${reason}`)
  }
  return progress.failed === 0 ? 0 : 1
}
