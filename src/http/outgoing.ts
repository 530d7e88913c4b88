/** Outgoing: what a request is sent to an origin as. The fields are those of the exchange, edited in place. */

/** Made by the proxy step. */
export class Outgoing {
  /** Method, target and Host to be sent. The fields are those of `x.request`, edited in place. */
  method = ''
  target = ''
  host = ''
  /** 'upgrade' token to ask for; ''. */
  upgrade = ''

  reset(): void {
    this.method = this.target = this.host = this.upgrade = ''
  }
}
