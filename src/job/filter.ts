import type { JobState } from './record.ts';

export type Comparison = '=' | '<' | '<=' | '>' | '>=';

/**
 * Which jobs are meant: all conditions hold together, the values of one list are alternatives. Made from the
 * search grammar by `parseSearch`, understood by every store.
 */
export interface JobFilter {
  readonly queues?: readonly string[];
  readonly states?: readonly JobState[];
  readonly ids?: readonly string[];
  readonly names?: readonly string[];
  readonly fingerprints?: readonly string[];
  /** Substring of the last error's name or message, case-insensitive. */
  readonly errorText?: string;
  readonly causes?: readonly string[];
  /** Added, or finished once it has finished, at most this long ago. */
  readonly withinMs?: number;
  /** … at least this long ago. */
  readonly olderThanMs?: number;
  readonly attempts?: { readonly is: Comparison; readonly value: number };
  readonly priority?: { readonly is: Comparison; readonly value: number };
  /** Values at paths of a JSON body; compared as text, so `42` finds the number and the string. */
  readonly data?: readonly { readonly path: readonly string[]; readonly value: string }[];
}
