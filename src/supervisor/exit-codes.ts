/**
 * Exit codes of the program, for service managers; docs/operations.md explains them.
 */

export const exitOk = 0
/** The start failed: trying again will not help until somebody changes something (`RestartPreventExitStatus=1`). */
export const exitFailedStart = 1
/** It was ended at once by a second signal. */
export const exitForced = 2
/** It ended because of a bug of ours: a restart is right. */
export const exitCrashed = 3
/** The command line was wrong (EX_USAGE of sysexits). */
export const exitUsage = 64
