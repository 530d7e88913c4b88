/**
 * An intrusive doubly linked list, for idle pools, waiting rooms and LRU orders. A node carries its own links and
 * belongs to one list at a time, so inserting, moving and removing it allocate nothing and take constant time.
 */
export interface ListNode<T> {
  previous: T | null
  next: T | null
  /** The list that it is in, or null: so removing it twice is harmless, and a leak is visible. */
  list: object | null
}

export class List<T extends ListNode<T>> {
  first: T | null = null
  last: T | null = null
  size = 0

  addLast(node: T): void {
    if (node.list !== null) throw new Error('node is in a list already')
    node.list = this
    node.previous = this.last
    node.next = null
    if (this.last === null) this.first = node
    else this.last.next = node
    this.last = node
    this.size++
  }

  /** Inserts `node` behind `before`; null: at the front. */
  addAfter(before: T | null, node: T): void {
    if (before === this.last) return this.addLast(node)
    if (node.list !== null) throw new Error('node is in a list already')
    const next = before === null ? this.first : before.next
    node.list = this
    node.previous = before
    node.next = next
    if (before === null) this.first = node
    else before.next = node
    if (next !== null) next.previous = node
    this.size++
  }

  /** Removes `node`; false when it was not in this list. */
  remove(node: T): boolean {
    if (node.list !== this) return false
    if (node.previous === null) this.first = node.next
    else node.previous.next = node.next
    if (node.next === null) this.last = node.previous
    else node.next.previous = node.previous
    node.list = null
    node.previous = null
    node.next = null
    this.size--
    return true
  }

  takeFirst(): T | null {
    const node = this.first
    if (node !== null) this.remove(node)
    return node
  }
}
