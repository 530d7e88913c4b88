/** Command: one word of the command line, what it takes and what it does. */

export interface Option {
  /** As in '--config'. */
  readonly name: string
  /** As in '-c'; '' for none. */
  readonly short: string
  /** What its value is called in the help; '' for a switch. */
  readonly value: string
  /** May stand several times. */
  readonly isMany?: boolean
  readonly description: string
}

export interface Parsed {
  readonly positionals: readonly string[]
  has(name: string): boolean
  /** The last value; undefined when it was not given. */
  value(name: string): string | undefined
  values(name: string): readonly string[]
}

export interface Command {
  readonly name: string
  /** What stands behind the name in the usage line. */
  readonly usage: string
  readonly summary: string
  /** More, for the help of this command; lines of at most 80 letters. */
  readonly details: string
  readonly options: readonly Option[]
  readonly positionalsMax: number
  readonly examples: readonly string[]
  /** Gives the exit code. */
  run(parsed: Parsed): Promise<number>
}

/** A command line that cannot be meant: told with the usage, exit code 64. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}
