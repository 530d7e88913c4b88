/**
 * Bugs to plant, one at a time. Each is a mistake that somebody could make in good faith; the seeds must find it.
 */

export interface Mutant {
  readonly name: string
  readonly file: string
  /** Stands exactly once in the file. */
  readonly find: string
  readonly replace: string
}

export const mutants: readonly Mutant[] = [
  {
    name: 'a borrowed chunk is kept instead of copied',
    file: 'src/h1/read-ahead.ts',
    find: '    const more = end - start\n',
    replace:
      '    if (this.isEmpty) {\n      this.buffer = bytes\n      this.start = start\n      this.end = end\n      return\n    }\n    const more = end - start\n',
  },
  {
    name: 'the turn of a late wake-up is not checked',
    file: 'src/http/exchange.ts',
    find: 'if (turn !== this.turn || this.walk === null) return false\n    this.turn++\n    this.walk.resume(this)',
    replace: 'if (turn < 0 || this.walk === null) return false\n    this.turn++\n    this.walk.resume(this)',
  },
  {
    name: 'an upstream connection is pooled after an early answer',
    file: 'src/h1/client-connection.ts',
    find: '      this.#isRequestWhole &&\n      this.isAnswerPersistent &&',
    replace: '      this.isAnswerPersistent &&',
  },
  {
    name: 'bytes that nobody asked for are kept for the next answer',
    file: 'src/h1/client-reading.ts',
    find: '        this.finish(body.trailers, at === end)\n        return at\n',
    replace:
      '        this.finish(body.trailers, true)\n        this.ahead.append(buffer, at, end)\n        return end\n',
  },
  {
    name: 'the producer is not resumed when the client has drained',
    file: 'src/h1/server.ts',
    find: 'this.x.source?.resume()',
    replace: 'void this.x.source',
  },
  {
    name: 'the upload is not resumed when the origin has drained',
    file: 'src/h1/client-connection.ts',
    find: 'this.x?.body.resume()',
    replace: 'void this.x?.body',
  },
  {
    name: "an answer's trailers are lost",
    file: 'src/h1/server-answer.ts',
    find: 'x.request.acceptsTrailers ? trailers : null',
    replace: 'null',
  },
  {
    name: "a request's trailers are lost",
    file: 'src/h1/client-connection.ts',
    find: 'lastChunk(trailers)',
    replace: 'lastChunk(null)',
  },
  {
    name: 'a body that ends with the connection is whole after a reset',
    file: 'src/h1/client-connection.ts',
    find: "this.body.isUntilClose && error === ''",
    replace: 'this.body.isUntilClose',
  },
  {
    name: 'a request that is not idempotent is sent again',
    file: 'src/handlers/proxy/retry.ts',
    find: ' || !isIdempotent(x.request.method)',
    replace: ' || isIdempotent("")',
  },
  {
    name: 'nominated fields are forwarded',
    file: 'src/http/forwarding.ts',
    find: "    if (name !== '' && !isProtected(fieldId(name))) fields.remove(name)\n",
    replace: '    if (isProtected(fieldId(name)) && false) fields.remove(name)\n',
  },
  {
    name: 'an exchange is not finished when its client leaves',
    file: 'src/h1/server.ts',
    find: '    x.body.fail(fault)\n    this.dropIntake()\n    this.context.serve.finish(x)\n',
    replace: '    x.body.fail(fault)\n    this.dropIntake()\n',
  },
  {
    name: "a client's departure does not reach the upstream",
    file: 'src/engine/answering.ts',
    find: '    upstream?.cancel(fault)\n',
    replace: '    void fault\n',
  },
  {
    name: 'a place in the waiting room outlives its client',
    file: 'src/handlers/proxy.ts',
    find: '    if (x.upstream === null) this.#attempts.cancelWait(x)\n',
    replace: '    void x\n',
  },
  {
    name: '100 (Continue) of the origin is not passed on',
    file: 'src/h1/client-reading.ts',
    find: '    if (response.status === 100) x.body.continue()\n',
    replace: '',
  },
  {
    name: 'the places of known fields survive into the next head',
    file: 'src/http/fields.ts',
    find: 'first[ids[i] as number] = 0',
    replace: 'void first[ids[i] as number]',
  },
  {
    name: 'a truncated chunked answer gets its last chunk',
    file: 'src/h1/server-answer.ts',
    find: '    this.isAborted = true\n    this.#break(fault)\n',
    replace:
      "    this.isAborted = true\n    if (this.#framing === FRAMED_BY_CHUNKS) this.writeText('0\\r\\n\\r\\n')\n    this.#break(fault)\n",
  },
  {
    name: 'what a tunnel read ahead is lost',
    file: 'src/h1/client-reading.ts',
    find: '        if (this.isKeptPushed) this.#pushAhead()\n        return\n',
    replace: '        ahead.clear()\n        return\n',
  },
  {
    name: 'a full sink gets more before it resumes',
    file: 'src/h1/server-body.ts',
    find: '    if (this.state === BODY_HELD) return false\n',
    replace: '',
  },
]
