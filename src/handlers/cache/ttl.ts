/** TtlTable: the operator's times to live by status, type and path, compiled; the first rule that fits decides. */
import type { TtlRule, TtlRules } from '../../cache/rules/policy.ts'
import { compilePath, type PathPattern, type PathSource } from '../../engine/path-pattern.ts'

/** One rule as the config has it. All that is written must hold. */
export interface TtlOptions {
  readonly ttlMs: number
  readonly overrides: boolean
  /** Numbers, or classes as '4xx'; [] for `defaultStatuses`. */
  readonly statuses: readonly (number | string)[]
  /** 'image/png' or 'image/*', lower case; [] for any. */
  readonly types: readonly string[]
  readonly paths: readonly PathSource[]
}

/**
 * What a rule without statuses is for: answers that stay right. Not 302 and 307, which say that they are temporary, and no
 * error: what is to be remembered of those is said by its status.
 */
export const defaultStatuses: readonly number[] = [200, 203, 204, 206, 300, 301, 308]

interface Compiled {
  readonly rule: TtlRule
  readonly statuses: ReadonlySet<number>
  readonly classes: ReadonlySet<number>
  readonly types: readonly string[]
  readonly paths: readonly PathPattern[]
}

const noCaptures: string[] = []

export class TtlTable implements TtlRules {
  readonly #rules: readonly Compiled[]

  constructor(options: readonly TtlOptions[]) {
    this.#rules = options.map(compile)
  }

  find(status: number, type: string, path: string): TtlRule | null {
    for (const { rule, statuses, classes, types, paths } of this.#rules) {
      if (!statuses.has(status) && !classes.has(Math.floor(status / 100))) continue
      if (types.length > 0 && !types.some((wanted) => isType(type, wanted))) continue
      noCaptures.length = 0
      if (paths.length > 0 && !paths.some((pattern) => pattern.matches(path, noCaptures))) continue
      return rule
    }
    return null
  }
}

function compile({ ttlMs, overrides, statuses, types, paths }: TtlOptions): Compiled {
  const numbers = statuses.filter((status) => typeof status === 'number')
  const classes = statuses.filter((status) => typeof status === 'string').map((text) => Number(text[0]))
  return {
    rule: { ttlMs, overrides },
    statuses: new Set(statuses.length === 0 ? defaultStatuses : numbers),
    classes: new Set(classes),
    types,
    paths: paths.map(requirePath),
  }
}

function isType(type: string, wanted: string): boolean {
  return wanted.endsWith('/*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted
}

function requirePath(source: PathSource): PathPattern {
  const made = compilePath(source)
  // Config has refused what cannot be read.
  if (typeof made === 'string') throw new Error(made)
  return made
}
