/** Command: one word of the command line, what it takes and what it does. */

export interface Option {
  /** As in '--config'. */
  readonly name: string
  /** As in '-c'; '' for none. */
  readonly short: string
  /** What the help calls its value; '' for a switch. */
  readonly value: string
  /** It may be given several times. */
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
  /** What follows the name in the usage line. */
  readonly usage: string
  readonly summary: string
  /** More text for the help of this command, in lines of at most 80 characters. */
  readonly details: string
  readonly options: readonly Option[]
  readonly positionalsMax: number
  readonly examples: readonly string[]
  /** Resolves to the exit code. */
  run(parsed: Parsed): Promise<number>
}

/** A command line that makes no sense: reported with the usage, exit code 64. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}
