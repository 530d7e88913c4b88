/**
 * Finds the word nearest to a misspelt one, for "did you mean". Case is ignored, since that is the most common slip.
 */

/** Edit distance in which swapping two neighbours counts as one slip (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  const width = b.length + 1
  let beforeLast: number[] = []
  let last = Array.from({ length: width }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j < width; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min((last[j] as number) + 1, (row[j - 1] as number) + 1, (last[j - 1] as number) + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (beforeLast[j - 2] as number) + 1)
      }
      row.push(best)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] as number
}

/**
 * The candidate nearest to `word`, or null when none is near enough to be what was meant: a third of the letters may
 * be wrong (at least one, at most four), or one is the beginning of the other.
 */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  const wrong = word.toLowerCase()
  // A long word is no slip, and the distance is quadratic.
  if (wrong.length === 0 || wrong.length > 64) return null
  const slipsMax = Math.min(4, Math.max(1, Math.floor(wrong.length / 3)))
  let best: string | null = null
  let bestDistance = slipsMax + 1
  for (const candidate of candidates) {
    const right = candidate.toLowerCase()
    if (Math.abs(right.length - wrong.length) >= bestDistance && !isBeginning(wrong, right)) continue
    const distance = isBeginning(wrong, right)
      ? Math.min(slipsMax, editDistance(wrong, right))
      : editDistance(wrong, right)
    if (distance < bestDistance) {
      bestDistance = distance
      best = candidate
    }
  }
  return best
}

function isBeginning(a: string, b: string): boolean {
  return a.length >= 3 && b.length >= 3 && (a.startsWith(b) || b.startsWith(a))
}

/** `; did you mean "x"?` or ''. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const right = nearest(word, candidates)
  return right === null ? '' : `; did you mean "${right}"?`
}
