/** Problems of a config as people read them: place, path, sentence, and the line with a mark under it. */
import { pathText, type ConfigProblem } from './problem.ts'
import type { Position } from './source.ts'

export interface LocatedProblem extends ConfigProblem {
  /** null: not known. */
  readonly position: Position | null
  /** The line with a mark under the place; '' when the place is not known. */
  readonly excerpt: string
}

/** One problem: `file:line:col: path: message`, and the line with a mark under it. */
export function problemText(problem: LocatedProblem, shownFile: string): string {
  const { position } = problem
  const place = [shownFile, ...(position === null ? [] : [position.line, position.column])].join(':')
  const parts = [place, problem.severity === 'warning' ? 'warning' : '', pathText(problem.path)]
  const head = parts.filter((part) => part !== '').join(': ')
  const text = `${head}: ${problem.message}`
  return problem.excerpt === '' ? text : `${text}\n${problem.excerpt}`
}

/** All problems, or those of one severity, in the order of the file. */
export function problemsText(
  loaded: { readonly file: string; readonly problems: readonly LocatedProblem[] },
  severity?: 'error' | 'warning',
  shownFile: string = loaded.file,
): string {
  return loaded.problems
    .filter((problem) => severity === undefined || problem.severity === severity)
    .map((problem) => problemText(problem, shownFile === '' ? 'config' : shownFile))
    .join('\n')
}
