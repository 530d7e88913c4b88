/** What a simulated client asks for in Range: nothing, a part from the start, the middle or the end, several, or none that is. */
import type { Random } from '../random.ts'

export function drawRange(random: Random, bytesMax: number): string {
  if (random.chance(0.3)) return ''
  const count = random.chance(0.2) ? random.between(2, 4) : 1
  return 'bytes=' + Array.from({ length: count }, () => drawSpec(random, bytesMax)).join(',')
}

function drawSpec(random: Random, bytesMax: number): string {
  const first = random.between(0, bytesMax - 1)
  switch (random.between(1, 6)) {
    case 1:
      return `0-${random.between(0, bytesMax)}`
    case 2:
      return `${first}-`
    case 3:
      return `-${random.between(1, bytesMax)}`
    case 4:
      // Players ask for a byte to see whether they may.
      return `${first}-${first}`
    case 5:
      return random.chance(0.2) ? `${bytesMax + first}-` : `${first}-${first + random.skewed(bytesMax)}`
    default:
      return `${first}-${random.between(first, bytesMax)}`
  }
}
