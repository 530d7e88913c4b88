/**
 * https: the switch that brings a site's clients to HTTPS and keeps them there: requests without TLS are redirected,
 * and answers over TLS carry Strict-Transport-Security (RFC 6797).
 *
 * Promises: the field is never sent without TLS (RFC 6797 §7.2), and one that the origin or a step has set stays; an
 * ACME challenge is not redirected.
 */
import { DONE, NEXT, type Exchange, type Flow, type Handler } from '../http/exchange.ts'
import { Field } from '../http/known-fields.ts'

export interface HttpsOptions {
  /** The status of the redirect; 0: none. */
  readonly redirectStatus: number
  /** The port that is written into the target; 443 is left out. */
  readonly port: number
  /** The value of Strict-Transport-Security; '' for none. */
  readonly hsts: string
}

const hstsField = 'Strict-Transport-Security'
const challengePath = '/.well-known/acme-challenge/'

export function createHttps(options: HttpsOptions): Handler {
  return new Https(options)
}

class Https implements Handler {
  readonly name = 'https'
  readonly #options: HttpsOptions

  constructor(options: HttpsOptions) {
    this.#options = options
  }

  onRequest(x: Exchange): Flow {
    if (!this.#redirects(x)) return NEXT
    x.response.status = this.#options.redirectStatus
    x.response.fields.addKnown(Field.LOCATION, this.#target(x))
    x.answerWhole(null)
    return DONE
  }

  onResponse(x: Exchange): Flow {
    const { hsts } = this.#options
    const { fields } = x.response
    if (
      hsts !== '' &&
      x.request.scheme === 'https' &&
      fields.getByName(hstsField.toLowerCase()) === undefined
    )
      fields.set(hstsField, hsts)
    return NEXT
  }

  explain(x: Exchange, say: (sentence: string) => void): Flow {
    const { redirectStatus, hsts } = this.#options
    if (this.#redirects(x)) {
      say(`answers ${redirectStatus} with Location: ${this.#target(x)}`)
      return DONE
    }
    if (hsts !== '' && x.request.scheme === 'https') say(`sets ${hstsField}: ${hsts}`)
    return NEXT
  }

  #redirects(x: Exchange): boolean {
    const { scheme, path, host } = x.request
    return (
      this.#options.redirectStatus !== 0 &&
      scheme === 'http' &&
      host !== '' &&
      !path.startsWith(challengePath)
    )
  }

  #target(x: Exchange): string {
    const { host, target } = x.request
    const { port } = this.#options
    const at = target.startsWith('/') ? target : `${x.request.path}${x.request.query}`
    return `https://${host}${port === 443 ? '' : `:${port}`}${at}`
  }
}
