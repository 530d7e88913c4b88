/**
 * How much is done by the tests of which any amount could be: worlds of the simulation, seconds of an attack, bytes of a large
 * file. The short length is each test as a whole with less of it, so that all of them are over in minutes;
 * `HEADGATE_LENGTH=full` is the length that is promised, and the one of `.ci/run`. Each amount has a variable of its own besides,
 * such as `HEADGATE_LARGE=5368709120`.
 */

export const length = process.env['HEADGATE_LENGTH'] === 'full' ? 'full' : 'short'

function amount(name: string, short: number, full: number): number {
  return Number(process.env[name] ?? (length === 'full' ? full : short))
}

const MiB = 1024 * 1024

export const amounts = {
  /** Worlds of each simulation; of the cheapest, twice as many. */
  seeds: amount('HEADGATE_SEEDS', 200, 1000),
  /** Mutated messages through the simulated edge. */
  mutations: amount('HEADGATE_MUTATIONS', 20_000, 200_000),
  /** Deaths of a process that writes its cache on disk. */
  kills: amount('HEADGATE_KILLS', 10, 60),
  /** Of each attack on HTTP/2. */
  attackSeconds: amount('HEADGATE_ATTACK_SECONDS', 2, 20),
  /** Of a file down and up through the program. */
  largeBytes: amount('HEADGATE_LARGE', 128 * MiB, 1024 * MiB),
  /** Of a download in each cell of the matrix of protocols. */
  cellBytes: amount('HEADGATE_CELL', 16 * MiB, 48 * MiB),
}
