/** What a load needs to know of the answers on a connection: that each has come, and with which status. */
const headEnd = Buffer.from('\r\n\r\n')

/** Reads answers with a Content-Length, one after the other; `onAnswer` is told the status of each. */
export class AnswerReader {
  #head: Buffer = Buffer.alloc(0)
  #status = 0
  #bodyLeft = -1
  readonly #onAnswer: (status: number) => void

  constructor(onAnswer: (status: number) => void) {
    this.#onAnswer = onAnswer
  }

  push(bytes: Buffer): void {
    let rest = bytes
    while (rest.length > 0) {
      if (this.#bodyLeft < 0) rest = this.#readHead(rest)
      const taken = Math.min(rest.length, Math.max(this.#bodyLeft, 0))
      rest = rest.subarray(taken)
      this.#bodyLeft -= taken
      if (this.#bodyLeft !== 0) continue
      this.#bodyLeft = -1
      this.#onAnswer(this.#status)
    }
  }

  /** What follows the head; nothing while the head is not whole. */
  #readHead(bytes: Buffer): Buffer {
    const head = this.#head.length === 0 ? bytes : Buffer.concat([this.#head, bytes])
    const end = head.indexOf(headEnd)
    if (end === -1) {
      this.#head = head
      return head.subarray(head.length)
    }
    const text = head.toString('latin1', 0, end)
    this.#status = Number(text.slice(9, 12))
    this.#bodyLeft = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0)
    this.#head = Buffer.alloc(0)
    // A body of no bytes has no byte to come with: told at once.
    if (this.#bodyLeft === 0) {
      this.#bodyLeft = -1
      this.#onAnswer(this.#status)
    }
    return head.subarray(end + headEnd.length)
  }
}
