/** The config file that a command works on, given by name or found, and its problems as they are printed on stderr. */
import { relative } from 'node:path'
import {
  defaultFiles,
  findConfigFile,
  loadConfig,
  systemDirectory,
  type LoadedConfig,
} from '../config/load.ts'
import { problemText } from '../config/problem-text.ts'
import { printError, styledError } from './terminal.ts'

/** null when none was named and none is there: that was told, with what does without. */
export function chooseConfigFile(named: string | undefined, or = ''): string | null {
  const file = named ?? findConfigFile()
  if (file !== null) return file
  printError(`${styledError('red', 'headgate:')} no config file here, nor in ${systemDirectory}`)
  printError(`  looked for ${defaultFiles.join(', ')}`)
  printError(`  name one with --config FILE${or === '' ? '' : `, or ${or}`}`)
  return null
}

/** Loads it and tells its problems. */
export async function loadAndTell(file: string): Promise<LoadedConfig> {
  const loaded = await loadConfig(file)
  tellProblems(loaded)
  return loaded
}

/** As short as it can be: from here when it is below here. */
export function shownFile(file: string): string {
  const fromHere = relative(process.cwd(), file)
  return fromHere === '' || fromHere.startsWith('..') ? file : fromHere
}

export function tellProblems(loaded: LoadedConfig): void {
  const file = shownFile(loaded.file)
  for (const problem of loaded.problems) {
    const [head, ...excerpt] = problemText(problem, file).split('\n')
    const style = problem.severity === 'warning' ? 'yellow' : 'red'
    printError(styledError(style, head ?? ''))
    for (const line of excerpt) {
      printError(line.replace(/\^+$/, (mark) => styledError(style, mark)))
    }
  }
}

/** '2 errors, 1 warning' */
export function countProblems(loaded: LoadedConfig): string {
  const of = (severity: 'error' | 'warning'): string => {
    const count = loaded.problems.filter((problem) => problem.severity === severity).length
    return count === 0 ? '' : `${count} ${severity}${count === 1 ? '' : 's'}`
  }
  return [of('error'), of('warning')].filter((text) => text !== '').join(', ')
}
