/**
 * Edits the header section of an answer on its way to the client so that the origin stays out of sight. Fields that
 * concern the origin's hop or name its software are removed. Addresses and paths of the origin in Location,
 * Content-Location, Refresh, Set-Cookie and everywhere else become those that the client asked with.
 *
 * The straight path (no redirect, no cookie, no address of the origin in the text) tests bits and searches the text
 * of the head once; it cuts no string.
 */
import type { Exchange } from './exchange.ts'
import type { Fields } from './fields.ts'
import { removeHopByHop } from './forwarding.ts'
import { Field, fieldId } from './known-fields.ts'
import type { ResponseHead } from './message.ts'
import { OriginNames, type PathMap } from './origin-names.ts'

export interface HidingOptions {
  /** The lower-case names of fields that are removed from answers. */
  readonly removeFields: readonly string[]
  /** Map Location, Content-Location and Refresh, and addresses of the origin in any other field. */
  readonly mapLocations: boolean
  /** Map Domain and Path of Set-Cookie. */
  readonly mapCookies: boolean
  /** What the route did to the beginning of the path, to be undone; null: nothing. */
  readonly pathMap: PathMap | null
}

/**
 * Server and X-Powered-By name software and version; Via names what stands behind us; Alt-Svc names addresses at which
 * the origin could be reached past us.
 */
export const defaultHiding: HidingOptions = {
  removeFields: ['server', 'x-powered-by', 'via', 'alt-svc'],
  mapLocations: true,
  mapCookies: true,
  pathMap: null,
}

/** Edits the answers of one origin for one route. It is made once and keeps nothing of an answer. */
export class Hiding {
  readonly #options: HidingOptions
  readonly #names: OriginNames
  readonly #removedIds: readonly number[]
  readonly #removedNames: readonly string[]

  /** `authorities` are the 'host[:port]' of the origin's servers, as in their URLs. */
  constructor(options: HidingOptions, authorities: readonly string[]) {
    this.#options = options
    this.#names = new OriginNames(authorities, options.pathMap)
    this.#removedIds = options.removeFields.map(fieldId).filter((id) => id !== 0)
    this.#removedNames = options.removeFields.filter((name) => fieldId(name) === 0)
  }

  /** Edits the head of a final answer, or of a 1xx. */
  edit(x: Exchange, head: ResponseHead): void {
    const { fields } = head
    removeHopByHop(fields, head.status === 426)
    this.#remove(fields)
    if (this.#options.mapLocations) {
      const { first } = fields
      if (first[Field.LOCATION] !== 0) this.#mapEach(x, fields, Field.LOCATION)
      if (first[Field.CONTENT_LOCATION] !== 0) this.#mapEach(x, fields, Field.CONTENT_LOCATION)
      if (first[Field.REFRESH] !== 0) this.#mapRefresh(x, fields)
      if (this.#names.mayStandIn(fields.text)) this.#mapElsewhere(x, fields)
    }
    if (this.#options.mapCookies && fields.first[Field.SET_COOKIE] !== 0) this.#mapCookies(x, fields)
  }

  /** Edits the trailers of an answer: what is to be removed must not come after the body either. */
  editTrailers(fields: Fields): void {
    this.#remove(fields)
  }

  #remove(fields: Fields): void {
    for (const id of this.#removedIds) fields.removeKnown(id)
    for (const name of this.#removedNames) fields.remove(name)
  }

  #mapEach(x: Exchange, fields: Fields, id: number): void {
    for (let i = 0; i < fields.size; i++) {
      if (fields.idAt(i) !== id) continue
      const value = fields.valueAt(i)
      const mapped = this.#names.mapUrl(x, value)
      if (mapped !== value) fields.setValueAt(i, mapped)
    }
  }

  /** Refresh has no standard; browsers read 'seconds; url=target', the target quoted or not. */
  #mapRefresh(x: Exchange, fields: Fields): void {
    const value = fields.get(Field.REFRESH) as string
    // No space ends a value, so none is looked for behind the quote: at each place of the target, that would cost its length squared.
    const found = /^([^;,]*[;,][ \t]*(?:url[ \t]*=[ \t]*)?)(["']?)(.*?)(\2)$/i.exec(value)
    if (found === null) return
    const mapped = this.#names.mapUrl(x, found[3] as string)
    fields.setKnown(Field.REFRESH, `${found[1]}${found[2]}${mapped}${found[4]}`)
  }

  #mapElsewhere(x: Exchange, fields: Fields): void {
    for (let i = 0; i < fields.size; i++) {
      if (!fields.isLive(i) || fields.idAt(i) === Field.SET_COOKIE || fields.idAt(i) === Field.ETAG) continue
      const value = fields.valueAt(i)
      const mapped = this.#names.mapText(x, value)
      if (mapped !== value) fields.setValueAt(i, mapped)
    }
  }

  #mapCookies(x: Exchange, fields: Fields): void {
    for (let i = 0; i < fields.size; i++) {
      if (fields.idAt(i) !== Field.SET_COOKIE) continue
      const value = fields.valueAt(i)
      const mapped = this.#names.mapCookie(x, value)
      if (mapped !== value) fields.setValueAt(i, mapped)
    }
  }
}
