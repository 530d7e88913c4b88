/** Outgoing: what a request is sent to an origin as. The fields are those of the exchange, edited in place. */

/** Made by the proxy step. */
export class Outgoing {
  /** Method, target and Host to be sent. The fields are those of `x.request`, edited in place. */
  method = ''
  target = ''
  host = ''
  /** 'upgrade' token to ask for; ''. */
  upgrade = ''
  /** The Sec-WebSocket-Key that was made for an origin of HTTP/1, where the client's protocol has none; ''. */
  webSocketKey = ''

  reset(): void {
    this.method = this.target = this.host = this.upgrade = this.webSocketKey = ''
  }
}
