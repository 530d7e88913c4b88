/**
 * Loads a config from a file (.ts, .js, .mjs, .yaml, .yml, .json) or from an object, and checks it. It never throws
 * for a mistake in the config: those are returned in `problems`, with file, line and column where they are known.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { dirname, extname, join, resolve } from 'node:path'
import { systemClock } from '../core/clock.ts'
import { whyUnread } from '../core/file-errors.ts'
import { checkConfig } from './check.ts'
import type { ConfigDocument, HeadgateConfig } from './document.ts'
import { ErrorPageSet } from './error-pages.ts'
import { problemsText, type LocatedProblem } from './problem-text.ts'
import type { ConfigProblem } from './problem.ts'
import { readModule } from './read-module.ts'
import { readJson, readYaml, type ReadProblem } from './read-text.ts'
import { TlsCompiler } from './tls.ts'
import { excerpt, ModuleSource, noSource, type ConfigSource, type Position } from './source.ts'

export type { LocatedProblem } from './problem-text.ts'

/** Plain data, so that it can be sent to another process. */
export interface LoadedConfig {
  /** '' for an object. */
  readonly file: string
  /** All files that it was made of, to be watched: the config, what it imports, error pages. */
  readonly files: readonly string[]
  /** Paths in the config are meant from here. */
  readonly baseDirectory: string
  /** null when there is an error. */
  readonly document: ConfigDocument | null
  readonly problems: readonly LocatedProblem[]
}

/** Looked for in the current folder, then in /etc/headgate, in this order. */
export const defaultFiles: readonly string[] = [
  'headgate.config.ts',
  'headgate.config.js',
  'headgate.config.mjs',
  'headgate.yaml',
  'headgate.yml',
  'headgate.json',
]

export const systemDirectory = '/etc/headgate'

/** The config file that is used when none is named; null when there is none. */
export function findConfigFile(directory: string = process.cwd()): string | null {
  for (const folder of [directory, systemDirectory]) {
    for (const name of defaultFiles) if (existsSync(join(folder, name))) return join(folder, name)
  }
  return null
}

/** A config that is wrong, for those who asked for a right one. The message holds every error. */
export class ConfigError extends Error {
  readonly loaded: LoadedConfig

  constructor(loaded: LoadedConfig) {
    super(problemsText(loaded, 'error'))
    this.name = 'ConfigError'
    this.loaded = loaded
  }
}

/** The document, or a ConfigError. */
export function requireDocument(loaded: LoadedConfig): ConfigDocument {
  if (loaded.document === null) throw new ConfigError(loaded)
  return loaded.document
}

/** Is this what `loadConfig` gave, rather than what people write? */
export function isLoaded(config: HeadgateConfig | LoadedConfig): config is LoadedConfig {
  return 'problems' in config && 'baseDirectory' in config
}

/** What else is looked into where a config is right so far. */
export type FurtherChecks = (document: ConfigDocument, baseDirectory: string) => readonly ConfigProblem[]

/** Reads and checks a file. */
export async function loadConfig(name: string, further: FurtherChecks = nothingElse): Promise<LoadedConfig> {
  const file = resolve(name)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    return failed(file, noSource, [unplaced(`it ${whyUnread(error)}`)])
  }
  switch (extname(file)) {
    case '.ts':
    case '.mts':
    case '.js':
    case '.mjs':
      return await loadModule(file, text, further)
    case '.yaml':
    case '.yml':
    case '.json':
    case '.jsonc': {
      const read = extname(file).startsWith('.y') ? readYaml(file, text) : readJson(file, text)
      if (read.input === undefined) return failed(file, read.source, read.problems)
      return checkedInTurn(file, [file], read.input, read.source, read.problems, further)
    }
    default:
      return failed(file, noSource, [
        unplaced('the kind is unknown: .ts, .js, .mjs, .yaml, .yml or .json is expected'),
      ])
  }
}

const nothingElse: FurtherChecks = () => []

async function loadModule(file: string, text: string, further: FurtherChecks): Promise<LoadedConfig> {
  const read = await readModule(file)
  const source = new ModuleSource(file, text)
  if (read.problem !== '') return { ...failed(file, source, [unplaced(read.problem)]), files: read.files }
  return checkedInTurn(file, read.files, read.input, source, [], further)
}

/** Checks a config that is an object; one that was loaded already is given back. */
export function readConfig(
  config: HeadgateConfig | LoadedConfig,
  baseDirectory: string = process.cwd(),
): LoadedConfig {
  return isLoaded(config) ? config : checked('', [], config, noSource, [], nothingElse, baseDirectory)
}

/** Of ten thousand sites reading, checking and compiling take some tenths of a second each: who is served gets a turn in between. */
async function checkedInTurn(...read: Parameters<typeof checked>): Promise<LoadedConfig> {
  await turn()
  const loaded = checked(...read)
  await turn()
  return loaded
}

function checked(
  file: string,
  files: readonly string[],
  input: unknown,
  source: ConfigSource,
  before: readonly ReadProblem[],
  further: FurtherChecks,
  baseDirectory: string = dirname(file),
): LoadedConfig {
  const { document, problems } = checkConfig(input)
  const all: ConfigProblem[] = [...problems]
  const watched = [...files]
  if (document !== null) {
    const pages = new ErrorPageSet(document.errorPages, baseDirectory)
    watched.push(...pages.files)
    const tls = new TlsCompiler(document, baseDirectory, systemClock)
    tls.checkSources()
    watched.push(...tls.files)
    all.push(...tls.problems)
    for (const { key, message } of pages.problems) {
      all.push({ path: ['errorPages', key], onKey: false, severity: 'error', message })
    }
    all.push(...further(document, baseDirectory))
  }
  const isRight = ![...before, ...all].some(isError)
  const located = [
    ...shownOf(all).map((problem) => locate(problem, source)),
    ...hiddenOf(all).map((problem) => withExcerpt(problem, null, source)),
  ]
  const sorted = [...placed(before, source), ...located].sort((a, b) => lineOf(a) - lineOf(b))
  return {
    file,
    files: watched,
    baseDirectory,
    document: isRight ? document : null,
    problems: sorted,
  }
}

/**
 * The same mistake may be in each of ten thousand sites. To find the places of all takes longer than a server that
 * reads a new config may be busy with it, and nobody reads them.
 */
const shownMax = 200

/** Errors before warnings. */
function byWeight(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  if (problems.length <= shownMax) return problems
  return [...problems.filter(isError), ...problems.filter((problem) => !isError(problem))]
}

function shownOf(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  return byWeight(problems).slice(0, shownMax)
}

/** How many others there are, as a problem; nothing where all are shown. */
function hiddenOf(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  const [first, ...others] = byWeight(problems).slice(shownMax)
  if (first === undefined) return []
  const message = `there are ${others.length + 1} more problems, which are not shown`
  return [{ path: [], onKey: false, severity: first.severity, message }]
}

function isError({ severity }: ConfigProblem): boolean {
  return severity === 'error'
}

function locate(problem: ConfigProblem, source: ConfigSource): LocatedProblem {
  return withExcerpt(problem, source.locate(problem.path, problem.onKey), source)
}

function placed(problems: readonly ReadProblem[], source: ConfigSource): LocatedProblem[] {
  return problems.map((problem) => withExcerpt(problem, problem.position, source))
}

function withExcerpt(
  problem: ConfigProblem,
  position: Position | null,
  source: ConfigSource,
): LocatedProblem {
  const { path, onKey, severity, message } = problem
  const shown = position === null || source.text === '' ? '' : excerpt(source.text, position)
  return { path, onKey, severity, message, position, excerpt: shown }
}

/** What has no place comes last. */
function lineOf(problem: LocatedProblem): number {
  const at = problem.position
  return at === null ? Number.MAX_SAFE_INTEGER : at.line * 10_000 + Math.min(at.column, 9999)
}

function failed(file: string, source: ConfigSource, problems: readonly ReadProblem[]): LoadedConfig {
  return {
    file,
    files: [file],
    baseDirectory: dirname(file),
    document: null,
    problems: placed(problems, source),
  }
}

function unplaced(message: string): ReadProblem {
  return { path: [], onKey: false, severity: 'error', message, position: null }
}
