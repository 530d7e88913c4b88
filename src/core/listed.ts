/** Of thousands more are no help, and a message for each of thousands of mistakes would be as long. */
const shownMax = 20

/** Words in a sentence: all of a few, the first of many. 'none' for none. */
export function listed(words: readonly string[]): string {
  const shown = words.slice(0, shownMax).join(', ') || 'none'
  return words.length <= shownMax ? shown : `${shown} and ${words.length - shownMax} more`
}
