import type { LeaseRef } from '../../src/job/record.ts';
import type { ClaimAnswer, ClaimRequest, Effect, Settlement } from '../../src/store/store.ts';
import type { ClaimChoice, EffectChoice, LeaseChoice, SettlementChoice } from './command.ts';

/** What the callers of a run know: the leases they were given and the claims they made. Same for all its stores. */
export interface World {
  readonly leases: LeaseRef[];
  readonly claims: ClaimRequest[];
}

export const newWorld = (): World => ({ leases: [], claims: [] });

const NOBODYS: LeaseRef = { queue: 'q1', id: 'a', token: 0 };

export function leaseOf(world: World, { pick, shift }: LeaseChoice): LeaseRef {
  const lease = world.leases.at(-1 - pick) ?? world.leases[0] ?? NOBODYS;
  return { ...lease, token: Math.max(0, lease.token + shift) };
}

export function effectOf(world: World, choice: EffectChoice): Effect {
  if (choice.by === 'name') return choice.effect;
  const { queue, id, token } = leaseOf(world, choice.lease);
  const { effect } = choice;
  const isFenced =
    effect.op === 'progress' || effect.op === 'log' || effect.op === 'data' || effect.op === 'isolate';
  return { ...effect, job: isFenced ? { queue, id, token } : { queue, id } } as Effect;
}

export function settlementOf(world: World, choice: SettlementChoice): Settlement {
  const { lease, effects, traceId, ...rest } = choice;
  return {
    ...rest,
    lease: leaseOf(world, lease),
    effects: effects.map((effect) => effectOf(world, effect)),
    ...(traceId === null ? {} : { traceId }),
  };
}

/** Makes claims of their choices, remembering the new ones for later repetition. */
export function claimsOf(world: World, choices: readonly ClaimChoice[]): ClaimRequest[] {
  return choices.map(({ repeat, ...request }) => {
    const earlier = repeat === null ? undefined : world.claims.at(-1 - repeat);
    if (earlier !== undefined) return earlier;
    const claim = { ...request, claimId: `claim-${world.claims.length + 1}` };
    world.claims.push(claim);
    return claim;
  });
}

export function learn(world: World, answers: readonly ClaimAnswer[]): void {
  for (const { jobs } of answers) world.leases.push(...jobs.map(({ lease }) => lease));
}
