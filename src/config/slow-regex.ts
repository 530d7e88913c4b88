/**
 * Warns of regexes that hostile text can make very slow: a repetition of something that holds a repetition, as in
 * `(a+)+`, tries each way of splitting the text before it gives up, and JavaScript has no limit for that. It looks at
 * the spelling alone, so it is a warning: it finds the common ones and proves nothing about the others.
 */

interface Group {
  /** Something inside repeats without a bound. */
  repeats: boolean
}

/** The part that may be slow; '' when none was found. */
export function slowPart(source: string): string {
  const starts: number[] = []
  const groups: Group[] = [{ repeats: false }]
  const token = /\\.|\[(?:\\.|[^\]\\])*\]|\(|\)|[^\\[()]/gs
  let last = { start: 0, repeats: false }
  for (const match of source.matchAll(token)) {
    const text = match[0]
    const group = groups.at(-1) as Group
    if (text === '(') {
      groups.push({ repeats: false })
      starts.push(match.index)
      last = { start: match.index, repeats: false }
    } else if (text === ')') {
      const closed = groups.length > 1 ? (groups.pop() as Group) : group
      const start = starts.pop() ?? 0
      last = { start, repeats: closed.repeats }
      if (closed.repeats) (groups.at(-1) as Group).repeats = true
    } else if (isEndless(source, match.index)) {
      if (last.repeats) return source.slice(last.start, match.index + 1)
      group.repeats = true
      last = { start: match.index, repeats: false }
    } else last = { start: match.index, repeats: false }
  }
  return ''
}

/** A repetition without an upper bound: '+', '*' or '{n,}'. */
function isEndless(source: string, at: number): boolean {
  const character = source[at]
  return character === '+' || character === '*' || /^\{\d+,\}/.test(source.slice(at, at + 12))
}
