import type { JobFilter } from '../../src/job/filter.ts';
import type { JobRef } from '../../src/job/record.ts';
import type {
  ClaimRequest,
  Effect,
  FeedRequest,
  NewJob,
  Next,
  Session,
  StatsRequest,
  UpkeepBudget,
} from '../../src/store/store.ts';

/** Which of the leases given out so far: `pick` counts back from the newest; `shift` makes its token a wrong one. */
export interface LeaseChoice {
  readonly pick: number;
  readonly shift: number;
}

/** A new claim, or the repetition of an earlier one: `repeat` counts back from the newest. */
export interface ClaimChoice extends Omit<ClaimRequest, 'claimId'> {
  readonly repeat: number | null;
}

/** An effect, whose job may be named by a lease. */
export type EffectChoice =
  | { readonly by: 'name'; readonly effect: Effect }
  | { readonly by: 'lease'; readonly lease: LeaseChoice; readonly effect: Extract<Effect, { job: unknown }> };

export interface SettlementChoice {
  readonly lease: LeaseChoice;
  readonly next: Next;
  readonly mode: 'strict' | 'lenient';
  readonly effects: readonly EffectChoice[];
  readonly traceId: string | null;
}

/** One call of one verb, or the passing of time. Plain data, so that a failing sequence can be shrunk and shown. */
export type Command =
  | { readonly kind: 'add'; readonly jobs: readonly NewJob[]; readonly requestId: string | null }
  | {
      readonly kind: 'apply';
      readonly effects: readonly EffectChoice[];
      readonly requestId: string | null;
      readonly actor: string | null;
    }
  | { readonly kind: 'claim'; readonly claims: readonly ClaimChoice[] }
  | {
      readonly kind: 'commit';
      readonly settlements: readonly SettlementChoice[];
      readonly claims: readonly ClaimChoice[];
    }
  | { readonly kind: 'renew'; readonly leases: readonly LeaseChoice[]; readonly leaseMs: number }
  | { readonly kind: 'beat'; readonly sessions: readonly Session[] }
  | { readonly kind: 'endSession'; readonly id: string }
  | { readonly kind: 'upkeep'; readonly budget: UpkeepBudget }
  | { readonly kind: 'job'; readonly ref: JobRef }
  | { readonly kind: 'attempts'; readonly ref: JobRef }
  | { readonly kind: 'logs'; readonly ref: JobRef; readonly after: number; readonly limit: number }
  | {
      readonly kind: 'find';
      readonly filter: JobFilter;
      readonly limit: number;
      readonly order: 'newest' | 'oldest';
    }
  | { readonly kind: 'queues'; readonly names: readonly string[] | null }
  | { readonly kind: 'stats'; readonly request: StatsRequest }
  /** `fresh`: from now on; else from where this reader was. */
  | {
      readonly kind: 'feed';
      readonly request: Omit<FeedRequest, 'after'>;
      readonly from: 'now' | 'start' | 'cursor';
    }
  | { readonly kind: 'lists' }
  | { readonly kind: 'advance'; readonly ms: number }
  /** Somebody sets the wall clock. */
  | { readonly kind: 'shift'; readonly ms: number };
