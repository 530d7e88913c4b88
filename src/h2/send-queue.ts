/**
 * SendQueue: which stream sends next, of those that have something to send (RFC 9218 §10).
 *
 * The smallest urgency comes first. Among equals, answers that are useful only when whole are sent one after the
 * other, in the order of their requests; those that are useful in parts take turns, frame by frame; and the two kinds
 * take turns with each other, so that neither starves.
 */
import { List, type ListNode } from '../core/list.ts'
import { INCREMENTAL, urgencyMax, type Priority } from '../http/priority.ts'

export interface Sending<T> extends ListNode<T> {
  readonly id: number
  priority: Priority
}

class Class<T extends Sending<T>> {
  readonly inOrder = new List<T>()
  readonly inTurns = new List<T>()
  isPartsTurn = false
}

export class SendQueue<T extends Sending<T>> {
  size = 0
  /** By urgency; made when the first stream of it waits. */
  readonly #classes: (Class<T> | null)[] = Array.from({ length: urgencyMax + 1 }, () => null)

  get isEmpty(): boolean {
    return this.size === 0
  }

  add(stream: T): void {
    if (stream.list !== null) return
    const urgency = stream.priority & urgencyMax
    const queue = (this.#classes[urgency] ??= new Class())
    this.size++
    if ((stream.priority & INCREMENTAL) !== 0) queue.inTurns.addLast(stream)
    else addInOrder(queue.inOrder, stream)
  }

  remove(stream: T): void {
    const queue = this.#classes[stream.priority & urgencyMax]
    if (queue == null || stream.list === null) return
    if (queue.inOrder.remove(stream) || queue.inTurns.remove(stream)) this.size--
  }

  /** The stream whose turn it is; it stays. Call `yield` when it has sent. */
  next(): T | null {
    if (this.size === 0) return null
    for (const queue of this.#classes) {
      if (queue === null) continue
      const first = queue.inOrder.first
      const rotating = queue.inTurns.first
      if (first === null && rotating === null) continue
      return first === null || (rotating !== null && queue.isPartsTurn) ? rotating : first
    }
    return null
  }

  /** It has sent a frame: others of its kind may have theirs. */
  yield(stream: T): void {
    const queue = this.#classes[stream.priority & urgencyMax]
    if (queue == null) return
    if (queue.inTurns.remove(stream)) {
      queue.inTurns.addLast(stream)
      queue.isPartsTurn = false
    } else queue.isPartsTurn = true
  }

  /** Gives it another priority, wherever it is. */
  move(stream: T, priority: Priority): void {
    const isWaiting = stream.list !== null
    if (isWaiting) this.remove(stream)
    stream.priority = priority
    if (isWaiting) this.add(stream)
  }
}

/** By number, which is the order in which they were asked for. There are at most as many as streams. */
function addInOrder<T extends Sending<T>>(list: List<T>, stream: T): void {
  let before = list.last
  if (before === null || before.id < stream.id) return list.addLast(stream)
  while (before !== null && before.id > stream.id) before = before.previous
  list.addAfter(before, stream)
}
