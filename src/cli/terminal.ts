/** What people see on a terminal: colours where they are wanted (a terminal, and no NO_COLOR), and aligned columns. */
import { styleText } from 'node:util'

export type Style = Parameters<typeof styleText>[0]

/** Text for stdout. Node looks at NO_COLOR, FORCE_COLOR and whether it is a terminal. */
export function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout })
}

/** Text for stderr. */
export function styledError(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stderr })
}

export function print(text: string): void {
  process.stdout.write(text + '\n')
}

export function printError(text: string): void {
  process.stderr.write(text + '\n')
}

/** Two columns, the second one wrapped to the width. */
export function columns(rows: readonly (readonly [string, string])[], width = 80): string {
  const left = Math.max(...rows.map(([first]) => first.length)) + 4
  return rows.map(([first, second]) => '  ' + first.padEnd(left - 2) + hang(second, left, width)).join('\n')
}

function hang(text: string, indent: number, width: number): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  lines.push(line)
  return lines.join('\n' + ' '.repeat(indent))
}
