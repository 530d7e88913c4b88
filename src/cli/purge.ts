/** purge: removes what is named from a running server's cache, in all of its workers. */
import { readPurgeOrder } from '../admin/purge-body.ts'
import { adminOf, adminOptions, askServer } from './admin-address.ts'
import { UsageError, type Command, type Parsed } from './command.ts'
import { print, printError, styled, styledError } from './terminal.ts'

export const purgeCommand: Command = {
  name: 'purge',
  usage: '[URL…] [--prefix URL] [--host HOST] [--tag TAG] [--all] [--soft] [--dry-run]',
  summary: 'Throws answers out of the cache of a running server.',
  details: [
    'A URL stands for all variants of its answer, in every zone; a tag for all answers',
    'that have it in Surrogate-Key, Cache-Tag or xkey. Several may be named at once. When',
    'it is done, no worker serves any of it, nor what was on its way from an origin.',
    'Each answer counts once, in memory or on disk. Where the count still goes on, --report',
    'tells later how many they were.',
  ].join('\n'),
  options: [
    {
      name: 'prefix',
      short: '',
      value: 'URL',
      isMany: true,
      description: 'All URLs that begin so.',
    },
    { name: 'host', short: '', value: 'HOST', isMany: true, description: 'All URLs of this host.' },
    { name: 'tag', short: 't', value: 'TAG', isMany: true, description: 'All answers with this tag.' },
    { name: 'all', short: '', value: '', description: 'Everything.' },
    {
      name: 'site',
      short: '',
      value: 'SITE',
      description: 'Of this site only, as the config names it.',
    },
    {
      name: 'soft',
      short: '',
      value: '',
      description: 'To be treated as stale, rather than to be gone.',
    },
    { name: 'dry-run', short: 'n', value: '', description: 'Counts only.' },
    {
      name: 'report',
      short: '',
      value: 'ID',
      description: 'Purges nothing: how many it were, of an earlier purge.',
    },
    { name: 'json', short: '', value: '', description: 'Prints the answer as JSON.' },
    ...adminOptions,
  ],
  positionalsMax: 1000,
  examples: [
    'headgate purge https://www.example.com/a.png',
    'headgate purge --tag product-17 --soft',
    'headgate purge --prefix https://www.example.com/img/ --dry-run',
  ],
  async run(parsed) {
    const id = parsed.value('report')
    const order = id === undefined ? orderOf(parsed) : JSON.stringify({ id })
    const listen = await adminOf(parsed)
    if (listen === null) return 1
    const reply = await askServer(listen, 'POST', id === undefined ? '/purge' : '/purge/report', order)
    if (parsed.has('json')) print(reply.text.trim())
    return tell(reply.status, reply.text, parsed)
  },
}

function orderOf(parsed: Parsed): string {
  const order = JSON.stringify({
    url: parsed.positionals,
    prefix: parsed.values('prefix'),
    host: parsed.values('host'),
    tag: parsed.values('tag'),
    all: parsed.has('all'),
    site: parsed.value('site'),
    soft: parsed.has('soft'),
    dryRun: parsed.has('dry-run'),
  })
  const problem = readPurgeOrder(order)
  if (typeof problem === 'string') throw new UsageError(problem)
  return order
}

function tell(status: number, text: string, parsed: Parsed): number {
  const { id, count, bytes, isCounted, missing, error } = readReply(text)
  if (status !== 200 && status !== 504) {
    const what = parsed.has('report') ? '' : 'the purge was refused: '
    printError(`${styledError('red', 'headgate:')} ${what}${error || text.trim()}`)
    return 1
  }
  if (!parsed.has('json')) {
    const what = parsed.has('report')
      ? 'it concerned'
      : parsed.has('dry-run')
        ? 'would purge'
        : parsed.has('soft')
          ? 'made stale'
          : 'purged'
    const least = isCounted ? '' : 'at least '
    const more = isCounted ? '' : `; still counting: headgate purge --report ${id}`
    const answers = `${count} ${count === 1 ? 'answer' : 'answers'}`
    print(`${styled('green', what)} ${least}${answers}, ${bytes} bytes${more}`)
  }
  if (status === 200) return 0
  const who = missing === 1 ? '1 worker has' : `${missing} workers have`
  printError(`${styledError('red', 'headgate:')} ${who} not acknowledged it: purge again`)
  return 1
}

function readReply(text: string): {
  id: string
  count: number
  bytes: number
  isCounted: boolean
  missing: number
  error: string
} {
  const nothing = { id: '', count: 0, bytes: 0, isCounted: true, missing: 0, error: '' }
  try {
    return { ...nothing, ...(JSON.parse(text) as object) }
  } catch {
    return nothing
  }
}
