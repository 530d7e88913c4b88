/**
 * systemd's start-up notification (sd_notify(3)), for units of `Type=notify` and `notify-reload`. Node has no unix
 * datagram sockets, so `systemd-notify` is started for each message: a handful in the life of a server. The unit
 * needs `NotifyAccess=all`, since the message comes from a child process.
 */
import { spawn } from 'node:child_process'

/** Ample: a message within the same machine takes milliseconds. */
const notifyMs = 2000

/** The message before: systemd must hear RELOADING before READY, and child processes do not keep an order. */
let last: Promise<void> = Promise.resolve()

/** Sends `words` ('READY=1', 'STATUS=…') if systemd started us. Failures do not matter to the server. */
export function notifySystemd(...words: readonly string[]): void {
  if (process.env['NOTIFY_SOCKET'] === undefined) return
  last = last.then(() => say(words))
}

/** Resolves when all messages so far are sent or have had their time: a process that ends earlier loses some. */
export function allIsSaid(): Promise<void> {
  return last
}

function say(words: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn('systemd-notify', [...words, 'MAINPID=' + process.pid], {
      stdio: 'ignore',
      timeout: notifyMs,
    })
    child.on('error', () => resolve())
    child.on('exit', () => resolve())
  })
}

/** The time that `notify-reload` requires with RELOADING=1. */
export function monotonicMicros(): string {
  return 'MONOTONIC_USEC=' + process.hrtime.bigint() / 1000n
}
