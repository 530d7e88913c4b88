/**
 * The readers of HTTP/1 heads: `readRequestHead(buffer, start, end, head, progress, limits)` and
 * `readResponseHead(buffer, start, end, head, requestMethod, progress, limits)`. They take the bytes that have
 * arrived and return how many of them the head took.
 *
 * Both return:
 * - more than 0: the bytes consumed; the head is whole and `head` is filled.
 * - 0: not whole yet. Call again with the same bytes and more behind them, and the same `progress`; the bytes may
 *   have moved meanwhile.
 * - negative: -fault, and nothing more can be read here.
 *
 * `head` and `progress` must be reset before the first call. After a fault `head` holds what was understood before
 * it, for the log.
 */
export { HeadProgress } from './head-progress.ts'
export { readRequestHead } from './request-head.ts'
export { readResponseHead } from './response-head.ts'
