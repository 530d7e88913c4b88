/**
 * The schemas of `limits` and `timeouts`: the bounds towards clients and origins, each with its default and the
 * reason.
 */
import { z } from 'zod'
import {
  defaultExchangeLimits,
  defaultLimits,
  type ConnectionLimits,
  type ExchangeLimits,
} from '../http/limits.ts'
import { count, duration, size, sizeOrUnlimited } from './quantities.ts'
import { durationText, sizeText } from './units.ts'

const KiB = 1024
const bodySize =
  'Request bodies beyond this are refused with 413. Unlimited: bodies are streamed, never stored.'

const origin = {
  firstByte: duration(1).meta({
    description:
      'From the whole request sent to the first byte of the answer; else 504. Long polls need more.',
  }),
  betweenBytes: duration(1).meta({
    description: 'Between two reads of an answer, while the client keeps up.',
  }),
  originWrite: duration(1).meta({
    description: 'Between two writes of a request body that the origin takes.',
  }),
  tunnelIdle: duration(1).meta({
    description: 'A WebSocket or other tunnel in which neither side says anything this long is closed.',
  }),
}

/** The timeouts of a route. */
export const routeTimeoutsSchema = z.strictObject({
  firstByte: origin.firstByte.optional(),
  betweenBytes: origin.betweenBytes.optional(),
  originWrite: origin.originWrite.optional(),
  tunnelIdle: origin.tunnelIdle.optional(),
})

/** The timeouts of an origin: those of a route, and the one for connecting. */
export const originTimeoutsSchema = routeTimeoutsSchema.extend({
  connect: duration(1).optional().meta({ description: 'To connect to one address of a server.' }),
})

export const timeoutsSchema = z
  .strictObject({
    head: duration(1).prefault(durationText(defaultLimits.headMs)).meta({
      description:
        'From the first byte of a request head to its end; also for the first head of a fresh connection.',
    }),
    idle: duration(1)
      .prefault(durationText(defaultLimits.idleMs))
      .meta({ description: 'A kept-alive client connection without a request is closed after this.' }),
    rateWindow: duration(1000).prefault(durationText(defaultLimits.rateWindowMs)).meta({
      description:
        'Over how long the minimum rates of `limits` are averaged; also how long a body may stand still.',
    }),
    drain: duration(0).prefault(durationText(defaultLimits.drainMs)).meta({
      description:
        'How long the rest of an upload is read over after an early answer, before the connection is closed.',
    }),
    connect: duration(1).prefault(durationText(defaultExchangeLimits.connectMs)).meta({
      description: 'To connect to one address of a server. 5s: two lost SYNs are sent again after 1 and 3 s.',
    }),
    firstByte: origin.firstByte.prefault(durationText(defaultExchangeLimits.firstByteMs)),
    betweenBytes: origin.betweenBytes.prefault(durationText(defaultExchangeLimits.betweenBytesMs)),
    originWrite: origin.originWrite.prefault(durationText(defaultExchangeLimits.originWriteMs)),
    tunnelIdle: origin.tunnelIdle.prefault(durationText(defaultExchangeLimits.tunnelIdleMs)),
  })
  .prefault({})
  .meta({
    description: 'Deadlines. None is a total time: a slow transfer that keeps moving is never cut.',
    samples: [{ firstByte: '2m' }],
  })

export const routeLimitsSchema = z.strictObject({
  bodyBytesMax: sizeOrUnlimited()
    .optional()
    .meta({ description: bodySize, samples: ['10MB'] }),
})

const rate = 'averaged over `timeouts.rateWindow`; slower ones hold a connection for nothing. 0: no minimum.'

export const limitsSchema = z
  .strictObject({
    connectionsMax: count(1, 1_000_000).default(16_384).meta({
      description:
        'Client connections of one worker; further ones are refused. Each may need two file descriptors.',
    }),
    connectionsPerClientMax: count(0, 1_000_000)
      .default(0)
      .meta({
        description:
          'Connections of one client (IPv4 address, IPv6 network of 64 bits) to one worker. To a further one an idle one of the same client ' +
          'makes room; else it is refused as it comes, before TLS. `trustedProxies`, the peers of `proxyProtocol` and ' +
          '`abuse.exempt` have no such bound. 0: none, since thousands may be behind one address, or all, behind a balancer ' +
          'that nobody has named; for browsers without such company 256 is ample.',
        samples: [256],
      }),
    requestsPerConnectionMax: count(0, 2 ** 31 - 1)
      .default(defaultLimits.requestsMax)
      .meta({ description: 'Requests on one connection, then it is closed. 0: no limit.' }),
    startLineBytesMax: size(256, 64 * KiB)
      .prefault(sizeText(defaultLimits.startLineBytesMax))
      .meta({
        description:
          'Request line or status line. 16KiB: browsers and nginx hold to 8, signed URLs run to 10. Beyond: 414.',
      }),
    headBytesMax: size(512, 256 * KiB)
      .prefault(sizeText(defaultLimits.headBytesMax))
      .meta({ description: 'Start line and header section together. Beyond: 431, or 502 for an answer.' }),
    fieldsMax: count(1, 1000)
      .default(defaultLimits.fieldsMax)
      .meta({ description: 'Fields of a header or trailer section. Beyond: 431, or 502 for an answer.' }),
    trailerBytesMax: size(0, 256 * KiB)
      .prefault(sizeText(defaultLimits.trailerBytesMax))
      .meta({ description: 'Trailer section of a chunked body.' }),
    chunkExtensionBytesMax: size(0, 64 * KiB)
      .prefault(sizeText(defaultLimits.chunkExtensionBytesMax))
      .meta({
        description: 'Extensions of one chunk; they are read over and never forwarded (RFC 9112 §7.1.1).',
      }),
    bodyBytesMax: sizeOrUnlimited()
      .prefault('unlimited')
      .meta({ description: bodySize, samples: ['100MB'] }),
    bodyBytesPerSecondMin: size()
      .prefault(sizeText(defaultLimits.bodyBytesPerSecondMin))
      .meta({ description: `Rate at which a client must send a body, ${rate}` }),
    readBytesPerSecondMin: size()
      .prefault(sizeText(defaultLimits.readBytesPerSecondMin))
      .meta({ description: `Rate at which a client must take an answer, ${rate}` }),
    readAheadBytesMax: size(0, 1024 * KiB)
      .prefault(sizeText(defaultLimits.readAheadBytesMax))
      .meta({
        description:
          'Bytes of further requests read while an answer is under way, so that a departure is noticed.',
      }),
    drainBytesMax: size(0, 64 * 1024 * KiB)
      .prefault(sizeText(defaultLimits.drainBytesMax))
      .meta({
        description: 'Bytes of an unfinished upload read over after an early answer (RFC 9112 §9.6).',
      }),
    informationalMax: count(0, 1000)
      .default(defaultLimits.informationalMax)
      .meta({ description: '1xx answers of an origin before its final one.' }),
    heldBytesMax: size(1024 * KiB)
      .prefault('512MiB')
      .meta({
        description:
          'Bytes of one worker that wait in memory for clients and origins that do not take them, of all connections together. Beyond: ' +
          'the clients that hold the most lose those answers. 512MiB: two thousand slow downloads with 256 KiB each.',
      }),
    unsentBytesMax: size(16 * KiB, 64 * 1024 * KiB)
      .prefault(sizeText(defaultLimits.unsentBytesMax))
      .meta({
        description: 'Bytes written and not yet taken by the peer before the other side is held back.',
      }),
    http2StreamsMax: count(1, 10_000).default(defaultLimits.h2StreamsMax).meta({
      description:
        'Requests under way on one HTTP/2 connection; a further one is refused, and its client may send it again. 128: what nginx, Apache and browsers are used to.',
    }),
  })
  .prefault({})
  .meta({ description: 'Bounds of connections and messages.', samples: [{ bodyBytesMax: '100MB' }] })

type Limits = z.output<typeof limitsSchema>
type Timeouts = z.output<typeof timeoutsSchema>

export function connectionLimits(limits: Limits, timeouts: Timeouts, halfClose: boolean): ConnectionLimits {
  return {
    startLineBytesMax: limits.startLineBytesMax,
    headBytesMax: limits.headBytesMax,
    fieldsMax: limits.fieldsMax,
    trailerBytesMax: limits.trailerBytesMax,
    chunkExtensionBytesMax: limits.chunkExtensionBytesMax,
    headMs: timeouts.head,
    idleMs: timeouts.idle,
    bodyBytesPerSecondMin: limits.bodyBytesPerSecondMin,
    readBytesPerSecondMin: limits.readBytesPerSecondMin,
    rateWindowMs: timeouts.rateWindow,
    requestsMax: limits.requestsPerConnectionMax,
    readAheadBytesMax: limits.readAheadBytesMax,
    drainBytesMax: limits.drainBytesMax,
    drainMs: timeouts.drain,
    informationalMax: limits.informationalMax,
    unsentBytesMax: limits.unsentBytesMax,
    h2StreamsMax: limits.http2StreamsMax,
    halfClose,
  }
}

type RouteTimeouts = z.output<typeof originTimeoutsSchema> | undefined
type RouteLimits = z.output<typeof routeLimitsSchema> | undefined

/** The limits of an exchange: the route's override the origin's, and those override the top level's. */
export function exchangeLimits(
  top: { readonly timeouts: Timeouts; readonly limits: Limits },
  origin: RouteTimeouts,
  route: { readonly timeouts?: RouteTimeouts; readonly limits?: RouteLimits },
): ExchangeLimits {
  const { timeouts } = top
  return {
    connectMs: origin?.connect ?? timeouts.connect,
    firstByteMs: route.timeouts?.firstByte ?? origin?.firstByte ?? timeouts.firstByte,
    betweenBytesMs: route.timeouts?.betweenBytes ?? origin?.betweenBytes ?? timeouts.betweenBytes,
    originWriteMs: route.timeouts?.originWrite ?? origin?.originWrite ?? timeouts.originWrite,
    tunnelIdleMs: route.timeouts?.tunnelIdle ?? origin?.tunnelIdle ?? timeouts.tunnelIdle,
    requestBodyBytesMax: route.limits?.bodyBytesMax ?? top.limits.bodyBytesMax,
  }
}
