/**
 * HotHeads: an entry that is found many times within a second has the same Age and the same ttl each time. From its
 * eighth hit on, the head with both in it is kept as one text for the rest of that second, together with the bytes
 * that a protocol makes of it: that saves a third of a hit's time in our own code.
 *
 * Promises: it is bounded (`slotCount` heads, each at most a second old when it is used), holds no entry and no body,
 * and never returns the head of another entry.
 */
import { Fields, type FieldLines, type WrittenHead } from '../../http/fields.ts'
import { Field, fieldName } from '../../http/known-fields.ts'
import { StoredFields } from '../../http/stored-fields.ts'
import type { Entry } from '../store/entry.ts'

/** More than this many are hardly hit eight times each within a second. Two clash: the earlier is made again. */
const slotCount = 4096
/** To make one costs as much as it saves in about this many hits. */
const hitsBefore = 8

class HotHead implements FieldLines {
  readonly text: string
  written: WrittenHead | null = null
  readonly #ids: Uint8Array
  readonly #spans: Int32Array

  constructor(stored: StoredFields) {
    const fields = new Fields()
    stored.copyInto(fields)
    this.text = stored.text
    this.#ids = fields.ids.slice(0, fields.size)
    this.#spans = fields.spans.slice(0, fields.size * 4)
  }

  copyInto(fields: Fields): number {
    fields.addSpans(this.#ids, this.#spans)
    return fields.size
  }
}

export class HotHeads {
  readonly #serials: Int32Array = new Int32Array(slotCount).fill(-1)
  /** The moment that Age grows. */
  readonly #untilMs: Float64Array = new Float64Array(slotCount)
  readonly #hits: Uint8Array = new Uint8Array(slotCount)
  readonly #heads: (HotHead | null)[] = Array.from({ length: slotCount }, () => null)

  /** null: there is none yet, or its second is over. `note` it then. */
  find(entry: Entry, nowMs: number): HotHead | null {
    const slot = entry.serial & (slotCount - 1)
    if (this.#serials[slot] !== entry.serial || nowMs >= (this.#untilMs[slot] as number)) return null
    return this.#heads[slot] as HotHead | null
  }

  /** It was hit with this age and this status, and `find` had nothing. */
  note(entry: Entry, nowMs: number, age: number, status: string): void {
    const slot = entry.serial & (slotCount - 1)
    if (this.#serials[slot] !== entry.serial || nowMs >= (this.#untilMs[slot] as number)) {
      this.#serials[slot] = entry.serial
      this.#untilMs[slot] = entry.responseMs - entry.initialAgeMs + (age + 1) * 1000
      this.#hits[slot] = 1
      this.#heads[slot] = null
      return
    }
    const hits = (this.#hits[slot] as number) + 1
    this.#hits[slot] = hits
    if (hits === hitsBefore) this.#heads[slot] = headWith(entry, age, status)
  }
}

function headWith(entry: Entry, age: number, status: string): HotHead {
  const list = entry.head.fields.toArray()
  list.push(fieldName(Field.AGE), String(age))
  if (status !== '') list.push(fieldName(Field.CACHE_STATUS), status)
  return new HotHead(StoredFields.from(list))
}
