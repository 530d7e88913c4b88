/**
 * Bugs to plant, one at a time. Each is a mistake that somebody could make in good faith; the seeds must find it.
 */

export interface Mutant {
  readonly name: string
  readonly file: string
  /** Stands exactly once in the file. */
  readonly find: string
  readonly replace: string
  /** One that finds it, and is tried first: from 1 upward it takes many. */
  readonly seed?: number
  /** Which must find it, as `--only` of run.ts; left out: those that this runs by itself. */
  readonly worlds?: 'disk' | 'sliced'
}

export const mutants: readonly Mutant[] = [
  {
    name: 'what waits on a stream is kept when the stream is gone',
    seed: 9,
    file: 'src/h2/outbound.ts',
    find: '    this.queue.remove(stream)\n    stream.outgoing.clear()\n',
    replace: '    this.queue.remove(stream)\n',
  },
  {
    name: 'a borrowed chunk is kept instead of copied',
    file: 'src/net/kept-bytes.ts',
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
    seed: 13,
    file: 'src/h1/client-connection.ts',
    find: "this.body.isUntilClose && error === ''",
    replace: 'this.body.isUntilClose',
  },
  {
    name: 'a request that is not idempotent is sent again',
    seed: 34,
    file: 'src/handlers/proxy/retry.ts',
    find: ' || !isIdempotent(x.request.method)',
    replace: ' || isIdempotent("")',
  },
  {
    name: 'nominated fields are forwarded',
    file: 'src/http/forwarding.ts',
    find: '    if (names.has(fields.nameAt(i).toLowerCase())) fields.removeAt(i)\n',
    replace: '    if (names.size < 0) fields.removeAt(i)\n',
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
    seed: 16,
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
    seed: 53,
    file: 'src/h1/server-body.ts',
    find: '    if (this.state === BODY_HELD) return false\n',
    replace: '',
  },
  {
    name: 'who waits for a fill is given another variant',
    file: 'src/cache/fill/fill-readers.ts',
    find: '    return entry.vary === null || entry.vary.variantOf(reader.x.request) === entry.variant\n',
    replace: '    return entry.vary === null || reader.x !== null\n',
  },
  {
    name: "who waits for a fill is given another's private answer",
    file: 'src/cache/fill/fill-readers.ts',
    find: 'this.sendOn(reader, null)\n      else this.tell(reader, Outcome.ALONE)\n',
    replace:
      'this.sendOn(reader, null)\n      else this.tell(reader, this.passing === null ? Outcome.PASSED : Outcome.ALONE)\n',
  },
  {
    name: 'who waits for a fill is given what must be validated for each',
    seed: 225,
    file: 'src/cache/fill/fill-readers.ts',
    find: '  return verdict === Verdict.FRESH || verdict === Verdict.STALE\n',
    replace: '  return verdict !== Verdict.UNAVAILABLE\n',
  },
  {
    name: 'an answer that broke off is kept',
    seed: 25,
    file: 'src/cache/fill/growing.ts',
    find: '    if (this.isStored) this.#store.abandon(this.entry)\n',
    replace: '    if (this.isStored) this.#store.complete(this.entry)\n',
  },
  {
    name: 'the origin is not resumed when the fastest reader has read on',
    file: 'src/cache/fill/fill.ts',
    find: '    if (this.#isHeld && growing !== null && !growing.isAhead) this.#resume()\n',
    replace: '    if (growing === null) this.#resume()\n',
  },
  {
    name: 'a fill does not wait for its readers',
    seed: 89,
    file: 'src/cache/fill/fill.ts',
    find: '    this.#isHeld = growing.isAhead\n',
    replace: '    this.#isHeld = false\n',
  },
  {
    name: 'a fill that is over stays in the table',
    file: 'src/cache/fill/fills.ts',
    find: '    if (first === undefined) return false\n',
    replace: '    if (first === undefined || key !== "") return false\n',
  },
  {
    name: 'who has left a growing body still holds it back',
    file: 'src/cache/serve/body-reader.ts',
    find: '    this.#growth?.leave(this)\n',
    replace: '',
  },
  {
    name: 'a reader that left is still told',
    seed: 159,
    file: 'src/cache/fill/fill-readers.ts',
    find: '    this.waiting.remove(reader)\n    if (reader === this.first) this.first = null\n    if (reader === this.passing) this.passing = null\n',
    replace: '    if (reader === this.passing) this.passing = null\n',
  },
  {
    name: 'who comes after a purge is given what was under way before it',
    seed: 262,
    file: 'src/cache/fill/fill.ts',
    find: '!growing.isJoinable || growing.isPurgedSince(this.bornAt)',
    replace: '!growing.isJoinable',
  },
  {
    name: 'a fill for one key is not found by the next request',
    seed: 18,
    file: 'src/cache/fill/fills.ts',
    find: '?? null\n    this.#byKey.set(key, fill)\n',
    replace: '?? null\n',
  },
  {
    name: 'who falls behind a window is given other bytes',
    file: 'src/cache/fill/growing.ts',
    find: '    this.growth.forgotten(this.#forgotten)\n',
    replace: '',
  },
  {
    name: 'who waits for bytes far ahead does not set the origin going',
    seed: 55,
    file: 'src/cache/serve/body-reader.ts',
    find: '    this.#isHeld = false\n    this.#growth?.advance(this)\n',
    replace: '    this.#isHeld = false\n',
  },
  {
    name: 'a slice of another version is put with the others',
    seed: 553,
    file: 'src/cache/fill/slice.ts',
    find: ' && carries(fields, known.validator)',
    replace: " && carries(fields, fields.get(Field.ETAG) ?? '')",
  },
  {
    name: 'slices are kept without regard to their version',
    worlds: 'sliced',
    file: 'src/cache/fill/slice.ts',
    find: '\\nslice ${this.number} ${version.validator}`',
    replace: '\\nslice ${this.number}`',
  },
  {
    name: 'the index of slices is for every variant',
    seed: 167,
    file: 'src/cache/fill/slice.ts',
    find: 'const start = { key: indexKey, bornAt, site, host, head, vary, variant, searchRule, body }',
    replace:
      "const start = { key: indexKey, bornAt, site, host, head, vary: null, variant: '', searchRule, body }\n  void [vary, variant]",
  },
  {
    name: 'a slice begins where another one does',
    seed: 21,
    file: 'src/cache/fill/sliced-body.ts',
    find: 'entry.body.readAt(offset - first, span,',
    replace: 'entry.body.readAt(Math.max(0, offset - first - 1), span,',
  },
  {
    name: 'what a QUERY encloses is no part of its key',
    file: 'src/handlers/cache.ts',
    find: 'this.keyOf(x, content.digest)',
    replace: "this.keyOf(x, content.digest === '' ? '' : 'query')",
  },
  {
    name: 'a weak entity-tag vouches for slices',
    seed: 106,
    file: 'src/cache/fill/slice.ts',
    find: "  if (etag.startsWith('\"')) return etag\n",
    replace: "  if (etag !== '') return etag\n",
  },
  {
    name: 'the rest of another version goes to who fell behind',
    file: 'src/cache/fill/tails.ts',
    find: "    if (!isSameStrongly(fields.get(Field.ETAG) ?? '', etag)) return false\n",
    replace:
      "    if (!isSameStrongly(fields.get(Field.ETAG) ?? '', fields.get(Field.ETAG) ?? '')) return false\n    void etag\n",
  },
  {
    name: 'who joins a rest reads from where it began',
    file: 'src/cache/fill/tails.ts',
    find: 'return tail.body.readAt(offset - tail.first, span, end - tail.first)',
    replace: 'return tail.body.readAt(offset - Math.max(tail.first, this.#position), span, end - tail.first)',
  },
  {
    name: 'a body is pushed past a taker that is full, over HTTP/2',
    seed: 53,
    file: 'src/http/request-intake.ts',
    find: 'if (this.#isFull || !this.kept.isEmpty || !body.isTaking)',
    replace: 'if (!body.isTaking)',
  },
  {
    name: "the producer is not resumed when its stream's window opens",
    file: 'src/h2/server-stream.ts',
    find: 'this.x?.source?.resume()',
    replace: 'void this.x?.source',
  },
  {
    name: 'an answer that is cut ends its stream as a whole one does',
    file: 'src/h2/server-stream.ts',
    find: '    session.cut(this, cutCode(fault))\n',
    replace: '    this.x = null\n    session.out.end(this, null)\n    session.cut(this, cutCode(fault))\n',
  },
  {
    name: 'the window of an upload is not given back',
    seed: 15,
    file: 'src/h2/session.ts',
    find: '    this.out.windowUpdate(stream.id, grant)\n',
    replace: '',
  },
  {
    name: 'a stream is opened under GOAWAY of an origin',
    file: 'src/h2/client.ts',
    find: '    this.#isDraining = true\n    if (!this.#isReady) return this.#close(Faults.ORIGIN_CLOSED_EARLY)\n',
    replace: '    if (!this.#isReady) return this.#close(Faults.ORIGIN_CLOSED_EARLY)\n',
  },
  {
    name: 'streams above the last one of GOAWAY wait on',
    seed: 75,
    file: 'src/h2/client.ts',
    find: '      if (stream.id <= lastStreamId) continue\n',
    replace: '      if (lastStreamId >= 0) continue\n',
  },
  {
    name: 'a lease of a session with an origin is not given back',
    seed: 46,
    file: 'src/h2/client.ts',
    find: '    this.#leased--\n    if (isServed) this.servedCount++\n',
    replace: '    if (isServed) this.servedCount++\n    else this.#leased--\n',
  },
  {
    name: "an origin's bound of streams is not heeded",
    seed: 9,
    file: 'src/h2/client.ts',
    find: 'Math.min(this.peer.streamsMax, streamsMax)',
    replace: 'Math.max(streamsMax, 0)',
  },
  {
    name: 'a request that an origin may have processed is sent again',
    seed: 32,
    file: 'src/h2/client-stream.ts',
    find: 'else this.fail(Faults.ORIGIN_STREAM_RESET)',
    replace: 'else this.fail(Faults.ORIGIN_STREAM_REFUSED)',
  },
  {
    name: 'a body is not kept for an origin that may refuse it unseen',
    seed: 129,
    file: 'src/handlers/proxy.ts',
    find: '(isIdempotent(request.method) || origin.mayRefuseUnseen)',
    replace: 'isIdempotent(request.method)',
  },
  {
    name: 'a window of an origin is not given back after its taker was full',
    seed: 21,
    file: 'src/h2/client-answer.ts',
    find: '      this.kept.consumeTo(end)\n      this.session.consumedBy(this)\n',
    replace: '      this.kept.consumeTo(end)\n',
  },
  {
    name: "an upload is not resumed when its stream's window opens",
    file: 'src/h2/client-stream.ts',
    find: 'if (!this.isRequestWhole) this.x?.body.resume()',
    replace: 'if (!this.isRequestWhole) void this.x?.body',
  },
  {
    name: 'an answer of HTTP/2 that is too short is whole',
    file: 'src/h2/client-answer.ts',
    find: '    if (this.#toReceive > 0) return this.breakOff(Faults.ANSWER_LENGTH_BAD)\n',
    replace: '',
  },
  {
    name: 'another first window does not count for streams that are open',
    file: 'src/h2/session.ts',
    find: '      stream.sendWindow += bytes\n      if (stream.sendWindow > uint31Max) {\n',
    replace: '      if (stream.sendWindow > uint31Max) {\n',
  },
  {
    name: 'what grows on disk is whole when its fill is given up',
    worlds: 'disk',
    seed: 383,
    file: 'src/cache/fill/growing.ts',
    find: '    this.#below?.abandon()\n    this.#below = null\n    this.isStored = false\n',
    replace:
      '    this.entry.body.finish()\n    this.#below?.complete()\n    this.#below = null\n    this.isStored = false\n',
  },
  {
    name: 'the second of several ranges waits for the bytes before it in its slice',
    worlds: 'sliced',
    seed: 100,
    file: 'src/cache/fill/sliced-body.ts',
    find: 'this.position = offset - number * this.#slice.bytes',
    replace: 'this.position = 0 * offset',
  },
]
