/** Reads the body of an authority's answer, which is small: one that is longer than a bound is not read to its end. */
export interface Answer extends AsyncIterable<Buffer> {
  destroy(): unknown
}

/** Rejects with an Error that tells the bound. */
export async function readBytes(answer: Answer, bytesMax: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of answer) {
    length += piece.length
    if (length > bytesMax) {
      answer.destroy()
      throw new Error(`its answer has more than ${bytesMax} bytes`)
    }
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}
