/**
 * Outgoing: the form in which a request is sent to an origin. Its fields are those of the exchange, edited in place.
 */

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
  /** An origin that speaks HTTP/2 has asked for HTTP/1.1 in its place (RFC 9113 §7, HTTP_1_1_REQUIRED). */
  isHttp1Only = false

  reset(): void {
    this.method = this.target = this.host = this.upgrade = this.webSocketKey = ''
    this.isHttp1Only = false
  }
}
