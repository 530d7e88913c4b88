/**
 * FieldsView: read access to fields, whether of a message under way (`Fields`) or of a stored one (`StoredFields`).
 */

/** What can be asked of fields, whether they belong to a message under way or to a stored one. */
export interface FieldsView {
  readonly size: number
  has(id: number): boolean
  get(id: number): string | undefined
  combined(id: number): string | undefined
  countOf(id: number): number
  isLive(i: number): boolean
  idAt(i: number): number
  nameAt(i: number): string
  valueAt(i: number): string
  indexOf(lowerName: string, from?: number): number
  getByName(lowerName: string): string | undefined
  combinedByName(lowerName: string): string | undefined
  toArray(): string[]
}
