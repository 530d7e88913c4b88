/**
 * Reads headgate.config.ts, .js and .mjs: Node itself loads them and strips the types.
 *
 * While a config loads, `headgate` means this installation, wherever the file lies, so a global install and npx need
 * no node_modules beside the config. What the config imports by path is loaded anew with it, through a query that
 * changes, so a reload sees every change. Node keeps what was loaded before: a few hundred bytes to kilobytes for
 * each reload.
 *
 * A file written with `import` and `export` is a module even where the package.json beside it says "commonjs": `npm
 * init` writes that, and whoever copies a config into such a folder has done nothing wrong.
 */
import { readFileSync } from 'node:fs'
import * as module from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

const mark = 'headgate-config'

/** Files that the config being loaded has pulled in, by the number of the load. */
const loads = new Map<string, Set<string>>()
let loadCount = 0
let isHooked = false

export interface ReadModule {
  readonly input: unknown
  /** The file and what it imports by path. */
  readonly files: readonly string[]
  /** '' when it was loaded. */
  readonly problem: string
}

export async function readModule(file: string): Promise<ReadModule> {
  hook()
  // Plain numbers are enough: they need only be unique within this process.
  const number = String(++loadCount)
  const files = new Set<string>([file])
  loads.set(number, files)
  try {
    const url = pathToFileURL(file)
    url.searchParams.set(mark, number)
    const loaded = (await import(url.href)) as Record<string, unknown>
    if (!('default' in loaded)) {
      return {
        input: undefined,
        files: [...files],
        problem: 'it has no default export: export default defineConfig({ … })',
      }
    }
    const input = await resolved(loaded['default'])
    return { input, files: [...files], problem: '' }
  } catch (error) {
    return { input: undefined, files: [...files], problem: reasonOf(error, [...files]) }
  } finally {
    loads.delete(number)
  }
}

/** A config may be a promise, or a function that gives one. */
async function resolved(value: unknown): Promise<unknown> {
  return await (typeof value === 'function' ? (value as () => unknown)() : value)
}

/** This installation: `src/index.ts` in the checkout, `dist/index.js` when installed. */
function ownIndex(): string {
  return new URL(import.meta.url.endsWith('.ts') ? '../index.ts' : '../index.js', import.meta.url).href
}

function hook(): void {
  if (isHooked) return
  isHooked = true
  module.registerHooks({
    resolve(specifier, context, next) {
      if (numberOf(specifier) !== null) return asWritten(next(specifier, context))
      const number = context.parentURL === undefined ? null : numberOf(context.parentURL)
      if (number === null) return next(specifier, context)
      if (specifier === 'headgate') return next(ownIndex(), context)
      const found = next(specifier, context)
      const isOwn = /^(\.{1,2}\/|\/|file:)/.test(specifier) && found.url.startsWith('file:')
      if (!isOwn || found.url.includes('/node_modules/')) return found
      const url = new URL(found.url)
      loads.get(number)?.add(fileURLToPath(url))
      url.searchParams.set(mark, number)
      return asWritten({ ...found, url: url.href })
    },
  })
}

/** Loads it as the kind of module that its text shows it to be. */
function asWritten(found: module.ResolveFnOutput): module.ResolveFnOutput {
  if (!found.format?.startsWith('commonjs') || found.url.includes('.cjs') || found.url.includes('.cts'))
    return found
  const text = readFileSync(fileURLToPath(found.url.replace(/\?.*$/, '')), 'utf8')
  if (!/^[ \t]*(import[ \t{*'"]|export[ \t{*])/m.test(text)) return found
  return { ...found, format: found.format.replace('commonjs', 'module') }
}

function numberOf(url: string): string | null {
  return url.startsWith('file:') && url.includes(mark) ? new URL(url).searchParams.get(mark) : null
}

/** What went wrong, with the first place in the user's own files: the config, then what it imports. */
function reasonOf(error: unknown, files: readonly string[]): string {
  if (!(error instanceof Error)) return 'it threw something that is no Error'
  const code = 'code' in error ? error.code : ''
  if (code === 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING') {
    return 'Node strips no types below node_modules; move the config, or write it as .js'
  }
  const clean = error.message.replaceAll(new RegExp(`\\?${mark}=\\d+`, 'g'), '')
  return `${error.name === 'Error' ? '' : `${error.name}: `}${clean}${placeOf(error.stack ?? '', files)}`
}

function placeOf(stack: string, [config = '', ...imported]: readonly string[]): string {
  const line = lineIn(stack, config)
  if (line !== '') return ` (line ${line})`
  for (const file of imported) {
    const there = lineIn(stack, file)
    if (there !== '') return ` (${file}, line ${there})`
  }
  return ''
}

function lineIn(stack: string, file: string): string {
  return (
    new RegExp(`(?:file://)?${pathPattern(file)}(?:\\?[^:\\s)]*)?:(\\d+)(?::\\d+)?`).exec(stack)?.[1] ?? ''
  )
}

function pathPattern(file: string): string {
  return file.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
