/**
 * Exit codes of the program, for service managers; docs/operations.md explains them.
 */

export const exitOk = 0
/** A start that failed: trying again will not help before somebody changes something (`RestartPreventExitStatus=1`). */
export const exitFailedStart = 1
/** Ended at once by a second signal. */
export const exitForced = 2
/** A bug of ours ended it: starting again is right. */
export const exitCrashed = 3
/** The command line was wrong (EX_USAGE of sysexits). */
export const exitUsage = 64
