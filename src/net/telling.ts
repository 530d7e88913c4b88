/**
 * Delivers what a transport tells its events, each as an event of its own, so that what is written during one leaves
 * in one write (stage.ts).
 */
import { enterEvent, leaveEvent } from './stage.ts'
import type { TransportEvents } from './transport.ts'

export function tellBytes(events: TransportEvents, buffer: Buffer, start: number, end: number): void {
  enterEvent()
  try {
    events.onBytes(buffer, start, end)
  } finally {
    leaveEvent()
  }
}

export function tellDrain(events: TransportEvents): void {
  enterEvent()
  try {
    events.onDrain()
  } finally {
    leaveEvent()
  }
}

export function tellEnd(events: TransportEvents): void {
  enterEvent()
  try {
    events.onEnd()
  } finally {
    leaveEvent()
  }
}
