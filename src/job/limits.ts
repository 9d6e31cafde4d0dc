/**
 * The limits of the store's boundary. They hold for every caller, whatever the way in, because `store/guard.ts`
 * checks them before a store sees a call.
 */

export const QUEUE_NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/;
export const MAX_ID_BYTES = 256;
export const DEFAULT_MAX_PAYLOAD_BYTES: number = 1024 * 1024;
export const HARD_MAX_PAYLOAD_BYTES: number = 64 * 1024 * 1024;
export const MAX_JSON_DEPTH = 100;
export const MAX_BATCH_JOBS = 1_000;
/** Payload bytes of one call; a batch of large jobs is sent in several. */
export const MAX_BATCH_BYTES: number = 64 * 1024 * 1024;
export const MAX_HEADERS = 20;
export const MAX_HEADER_BYTES = 4_096;
export const MAX_LOG_LINE_BYTES: number = 16 * 1024;
/** Log lines kept a job; the oldest go first. */
export const MAX_LOG_LINES = 1_000;
export const MAX_STACK_BYTES: number = 16 * 1024;
export const MAX_REASON_BYTES = 1_024;
export const MAX_DELAY_MS: number = 366 * 86_400_000;
/** Longest retention, period or time limit that can be asked for: 100 years. */
export const MAX_DURATION_MS: number = 100 * 366 * 86_400_000;
export const MAX_LEASE_MS: number = 12 * 3_600_000;
export const MAX_ATTEMPTS = 1_000_000;
/** Priorities run from 0 (first, the default) to this. */
export const MAX_PRIORITY = 2_097_151;
export const MAX_PAGE = 1_000;
/** Jobs touched by one call that works on many (drain, obliterate, one slice of an operation). */
export const MAX_SLICE = 1_000;
/** Records that one `find` may be asked to examine. */
export const MAX_SCAN = 1_000_000;
/** Records examined by one `find` unless the caller says otherwise. */
export const DEFAULT_SCAN = 10_000;
