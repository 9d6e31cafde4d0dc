/** What the writer writes down, line by line. */

import type { JobState } from 'millrace';

/** The writes that a store acknowledges, as the report counts them. */
export const PROMISES = [
  'added',
  'claimed',
  'ended',
  'cancelled',
  'redriven',
  'promoted',
  'changed',
  'progress',
  'logged',
  'removed',
  'configured',
  'operation',
] as const;
export type PromiseKind = (typeof PROMISES)[number];

interface OfJob {
  readonly id: string;
  readonly generation: number;
}

export type Note =
  /** What the writer does from here on. */
  | { readonly note: 'phase'; readonly phase: string }
  | { readonly note: 'opened' | 'closed' }
  /** Asked for and not yet acknowledged: after a power cut it may have happened or not, but not by halves. */
  | {
      readonly note: 'adding';
      readonly queue: string;
      readonly ids: readonly string[];
      readonly sizes: readonly number[];
    }
  | { readonly note: 'removing'; readonly ids: readonly string[] }
  | { readonly note: 'changing'; readonly id: string; readonly size: number }
  /** Acknowledged. */
  | { readonly note: 'added'; readonly queue: string; readonly ids: readonly string[] }
  | { readonly note: 'removed'; readonly ids: readonly string[] }
  /** `call`: jobs with the same one came by one call. */
  | ({ readonly note: 'claimed'; readonly token: number; readonly call?: string } & OfJob)
  | ({ readonly note: 'ended'; readonly token: number; readonly state: JobState } & OfJob)
  | ({ readonly note: 'cancelled' | 'redriven' | 'promoted' | 'logged' } & OfJob)
  | ({ readonly note: 'progress'; readonly value: number } & OfJob)
  | { readonly note: 'changed'; readonly id: string; readonly size: number }
  | { readonly note: 'configured'; readonly queue: string; readonly value: number }
  | { readonly note: 'operation'; readonly id: string };
