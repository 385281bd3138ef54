/** How old a new key or password may be when it becomes current, in seconds. An older one is given up. */
export const FRESH_SECONDS = 12 * 60 * 60;
/** Seconds in which processes are replaced after a rotation; then an alarm says that they were not. */
export const REFRESH_SECONDS = 24 * 60 * 60;
/** How long after a new key or password was made no process uses the one before it any more, in seconds. */
export const RETIRE_SECONDS = FRESH_SECONDS + REFRESH_SECONDS;
