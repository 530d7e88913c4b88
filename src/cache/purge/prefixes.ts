/**
 * The purges by prefix of one host: a tree in which each edge is labelled with the characters that prefixes share.
 * All prefixes with which a target begins are found in one walk along it, however many there are; measured with
 * 10,000 of them, see docs/decisions.
 *
 * Invariants: labels are not empty; no two children of a node begin with the same character; a node without record
 * has children, except the root.
 */
import { PurgeRecord, type PurgeMark } from '../store/purge-records.ts'

class PrefixNode {
  label: string
  parent: PrefixNode | null
  record: PrefixRecord | null = null
  readonly children = new Map<number, PrefixNode>()

  constructor(label: string, parent: PrefixNode | null) {
    this.label = label
    this.parent = parent
  }
}

export class PrefixRecord extends PurgeRecord {
  readonly tree: PrefixTree
  node: PrefixNode

  constructor(tree: PrefixTree, node: PrefixNode) {
    super()
    this.tree = tree
    this.node = node
  }

  override unmark(mark: PurgeMark): void {
    super.unmark(mark)
    if (this.marks.length === 0) this.tree.remove(this)
  }
}

export class PrefixTree {
  readonly name: string
  readonly #root = new PrefixNode('', null)
  /** Records in it. */
  size = 0
  /** Places that it consists of, the root included: a few for each record. */
  nodes = 1

  constructor(name: string) {
    this.name = name
  }

  /** The record of `prefix`, made when there is none. */
  open(prefix: string): PrefixRecord {
    let node = this.#root
    let at = 0
    while (at < prefix.length) {
      const child = node.children.get(prefix.charCodeAt(at))
      if (child === undefined) {
        node = this.#hang(node, prefix.slice(at))
        break
      }
      const shared = sharedLength(child.label, prefix, at)
      node = shared === child.label.length ? child : this.#split(child, shared)
      at += shared
    }
    if (node.record === null) {
      node.record = new PrefixRecord(this, node)
      this.size++
    }
    return node.record
  }

  #hang(parent: PrefixNode, label: string): PrefixNode {
    const node = new PrefixNode(label, parent)
    parent.children.set(label.charCodeAt(0), node)
    this.nodes++
    return node
  }

  /** Puts a node in the middle of the edge to `child`. */
  #split(child: PrefixNode, at: number): PrefixNode {
    const middle = this.#hang(child.parent as PrefixNode, child.label.slice(0, at))
    child.label = child.label.slice(at)
    child.parent = middle
    middle.children.set(child.label.charCodeAt(0), child)
    return middle
  }

  remove(record: PrefixRecord): void {
    let node: PrefixNode | null = record.node
    if (node.record !== record) return
    node.record = null
    this.size--
    while (node.parent !== null && node.record === null && node.children.size === 0) {
      node.parent.children.delete(node.label.charCodeAt(0))
      this.nodes--
      node = node.parent
    }
  }

  /** Adds to `found` the marks younger than `since` of every prefix that `text[start, end)` begins with. */
  collect(text: string, start: number, end: number, since: number, found: PurgeMark[]): void {
    let node = this.#root
    let at = start
    for (;;) {
      if (node.record !== null) collectMarks(node.record, since, found)
      if (at >= end) return
      const child = node.children.get(text.charCodeAt(at))
      if (child === undefined || at + child.label.length > end || !text.startsWith(child.label, at)) return
      at += child.label.length
      node = child
    }
  }
}

/** Adds to `found` the marks of `record` that are younger than `since`. */
export function collectMarks(record: PurgeRecord, since: number, found: PurgeMark[]): void {
  if (record.latestAt <= since) return
  const { marks } = record
  let i = marks.length
  while (i > 0 && (marks[i - 1] as PurgeMark).generation > since) i--
  for (; i < marks.length; i++) found.push(marks[i] as PurgeMark)
}

function sharedLength(label: string, text: string, at: number): number {
  let i = 0
  while (i < label.length && at + i < text.length && label.charCodeAt(i) === text.charCodeAt(at + i)) i++
  return i
}
