/** What a claim gives, as the engine has it: records, and fresh jobs of which no record was made yet. */

import type { ClaimAnswer, Claimed, SettleResult } from '../store.ts';
import { claimedOfFresh, type FreshJobs } from './fresh.ts';

export type GrantPart = readonly Claimed[] | FreshJobs;

export type Grant = Omit<ClaimAnswer, 'jobs'> & { readonly parts: readonly GrantPart[] };

export interface CommitGrant {
  readonly settled: readonly SettleResult[];
  readonly claimed: readonly Grant[];
}

export function isFreshPart(part: GrantPart): part is FreshJobs {
  return 'text' in part;
}

export function jobsIn({ parts }: Grant): number {
  return parts.reduce((sum, part) => sum + (isFreshPart(part) ? part.bodies : part).length, 0);
}

export function answerOf({ parts, ...rest }: Grant): ClaimAnswer {
  return { ...rest, jobs: parts.flatMap((part) => (isFreshPart(part) ? claimedOfFresh(part) : part)) };
}

/** What the caller of a verb gets of what the engine answered. */
export function plainAnswer(verb: string, value: unknown): unknown {
  if (verb === 'claim') return (value as Grant[]).map(answerOf);
  if (verb !== 'commit') return value;
  const { settled, claimed } = value as CommitGrant;
  return { settled, claimed: claimed.map(answerOf) };
}
