/** A span of a body: `buffer[start, end)`. */
export class BodySpan {
  buffer: Buffer = Buffer.alloc(0)
  start = 0
  end = 0
}
