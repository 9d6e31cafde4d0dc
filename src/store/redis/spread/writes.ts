/** The verbs that write, where queues spread: each is a script for each queue that it names. */

import { StoreUnavailableError } from '../../../errors.ts';
import type {
  ApplyOptions,
  ClaimAnswer,
  ClaimRequest,
  CommitAnswer,
  Effect,
  EffectResult,
  Settlement,
  Store,
} from '../../store.ts';
import { answersOf, apply } from '../apply.ts';
import type { Idle } from '../idle.ts';
import { job } from '../inspect.ts';
import { Lean } from '../lean.ts';
import { renew } from '../sessions.ts';
import type { Settling } from '../settle.ts';
import { commit } from '../writes.ts';
import type { Cells } from './cells.ts';
import type { Outbox } from './outbox.ts';
import type { SpreadSessions } from './sessions.ts';
import { SpreadUpkeep } from './upkeep.ts';
import { joined, newQueuesOf, type Part, partsOf, sendingOf } from './wire.ts';

export interface SpreadParts {
  readonly cells: Cells;
  readonly outbox: Outbox;
  readonly sessions: SpreadSessions;
  readonly idle: Idle;
  /** An id that nobody else makes. */
  readonly newId: () => string;
}

type Writes = Pick<Store, 'apply' | 'claim' | 'commit' | 'renew' | 'beat' | 'endSession' | 'upkeep'>;

export function spreadWrites(parts: SpreadParts): Writes {
  const { cells, sessions } = parts;
  const lean = new Lean();
  const upkeep = new SpreadUpkeep(cells);
  const committed = (
    settlements: readonly Settlement[],
    claims: readonly ClaimRequest[],
  ): Promise<CommitAnswer> => commitAll(parts, lean, { settlements, claims });
  return {
    apply: (effects, options = {}) => applyAll(parts, effects, options),
    claim: async (requests) => [...(await committed([], requests)).claimed],
    commit: (settlements, claims = []) => committed(settlements, claims),
    renew: (leases, leaseMs) =>
      inCells(
        leases,
        ({ queue }) => queue,
        (queue, some) => renew(cells.at(queue), some, leaseMs),
      ),
    beat: (some) => sessions.beat(some),
    endSession: (id) => sessions.end(id),
    upkeep: (budget) => upkeep.run(budget),
  };
}

/** Those of each queue together; answers in the order of what was asked. */
async function inCells<Ask, Answer>(
  asked: readonly Ask[],
  queueOf: (ask: Ask) => string,
  run: (queue: string, asked: readonly Ask[]) => Promise<readonly Answer[]>,
): Promise<Answer[]> {
  const answers = new Map<Ask, Answer>();
  const calls = [...new Set(asked.map(queueOf))].map(async (queue) => {
    const some = asked.filter((ask) => queueOf(ask) === queue);
    const got = await run(queue, some);
    for (const [index, ask] of some.entries()) answers.set(ask, got[index] as Answer);
  });
  await Promise.all(calls);
  return asked.map((ask) => answers.get(ask) as Answer);
}

async function applyAll(
  parts: SpreadParts,
  effects: readonly Effect[],
  options: ApplyOptions,
): Promise<EffectResult[]> {
  const { cells } = parts;
  const [first, ...others] = partsOf(effects);
  // Also where nothing is found: what was answered is remembered there.
  await cells.note(partsOf(effects).map(({ cell }) => cell));
  if (first === undefined) return joined(effects, []);
  const whole = await Promise.all(effects.map((effect) => elsewhere(cells, effect)));
  const requestId = options.requestId ?? parts.newId();
  const { actor } = options;
  const asked = { requestId, ...(actor !== undefined && { actor }) };
  const sends = [
    ...others.map(({ cell, effects: own }) => sendingOf(cell, own, asked)),
    ...whole.flat().map(({ cell, effect }) => sendingOf(cell, [effect], { requestId: parts.newId() })),
  ];
  // Operations stand at home first, whichever queue is named before.
  const results = await apply(
    cells.at(first.cell),
    first.effects,
    sends.length > 0 ? { ...asked, sends } : options,
  );
  const answered: { part: Part; results: readonly EffectResult[] }[] = [{ part: first, results }];
  for (const part of others) {
    answered.push({ part, results: await answersAt(parts, part, { source: first.cell, requestId }) });
  }
  return Promise.all(joined(effects, answered).map((result, index) => told(cells, effects[index], result)));
}

/** Delivered by now, unless a master is away. Only delivery may do it: this may be asked long after that. */
async function answersAt(
  { cells, outbox }: SpreadParts,
  { cell, effects }: Part,
  { source, requestId }: { readonly source: string; readonly requestId: string },
): Promise<EffectResult[]> {
  const first = await answersOf(cells.at(cell), effects, requestId);
  if (first !== null) return first;
  await outbox.deliver(source);
  const again = await answersOf(cells.at(cell), effects, requestId);
  if (again !== null) return again;
  throw new StoreUnavailableError(
    `the call is done, but what it does in queue "${cell}" is still on its way there, as its server could not be reached. ` +
      'Upkeep delivers it. Repeat the call with the same request id for its answers.',
  );
}

/** A redrive that came back, as its id is taken there. */
async function told(cells: Cells, effect: Effect | undefined, result: EffectResult): Promise<EffectResult> {
  if (effect?.op !== 'redrive' || result.op !== 'redrive' || result.outcome !== 'ok') return result;
  const { job: ref, toQueue } = effect;
  if (toQueue === null || toQueue === ref.queue) return result;
  const still = await job(cells.at(ref.queue), ref);
  return still === null ? result : { op: 'redrive', outcome: 'duplicate' };
}

/** Operations run in every cell that they may mean. */
async function elsewhere(cells: Cells, effect: Effect): Promise<{ cell: string; effect: Effect }[]> {
  if (effect.op === 'abort-operation') {
    return (await cells.names()).map((cell) => ({ cell, effect }));
  }
  if (effect.op !== 'start-operation') return [];
  const { operation } = effect;
  const all = await cells.names();
  const meant = all.filter((queue) => operation.filter.queues?.includes(queue) ?? true);
  const { ratePerSecond: rate } = operation;
  const ratePerSecond = rate === null ? null : rate / Math.max(1, meant.length);
  return meant.map((cell) => ({ cell, effect: { ...effect, operation: { ...operation, ratePerSecond } } }));
}

function settlingOf(parts: SpreadParts, settlement: Settlement): Settling {
  const { lease, effects = [] } = settlement;
  const [own, others] = [[] as Effect[], [] as Part[]];
  for (const part of partsOf(effects)) {
    if (part.cell === lease.queue) own.push(...part.effects);
    else others.push(part);
  }
  if (others.length === 0) return settlement;
  const sends = others.map(({ cell, effects: some }) => sendingOf(cell, some, { requestId: parts.newId() }));
  return { ...settlement, effects: own, sends };
}

async function commitAll(
  parts: SpreadParts,
  lean: Lean,
  { settlements, claims }: { settlements: readonly Settlement[]; claims: readonly ClaimRequest[] },
): Promise<CommitAnswer> {
  const { cells, idle } = parts;
  const given = settlements.map((settlement) => settlingOf(parts, settlement));
  await cells.note(settlements.flatMap(({ effects = [] }) => newQueuesOf(effects)));
  const settled = new Map(given.map((each) => [each, null as CommitAnswer['settled'][number] | null]));
  const claimed: ClaimAnswer[] = [];
  const queues = new Set([...given.map(({ lease }) => lease.queue), ...claims.map(({ queue }) => queue)]);
  const calls = [...queues].map(async (queue) => {
    const own = given.filter(({ lease }) => lease.queue === queue);
    const wanted = claims.flatMap((claim, index) => (claim.queue === queue ? [{ claim, index }] : []));
    const asked = { settlements: own, claims: wanted.map(({ claim }) => claim) };
    const answer = await commit(cells.at(queue), asked, { idle, lean });
    for (const [index, each] of own.entries()) settled.set(each, answer.settled[index] ?? null);
    for (const [nth, { claim, index }] of wanted.entries()) {
      claimed[index] = await alive(parts, claim, answer.claimed[nth] as ClaimAnswer);
    }
  });
  await Promise.all(calls);
  return { settled: given.map((each) => settled.get(each) as CommitAnswer['settled'][number]), claimed };
}

/** The first claim of a session in a cell brings it there. */
async function alive(parts: SpreadParts, claim: ClaimRequest, answer: ClaimAnswer): Promise<ClaimAnswer> {
  if (answer.sessionOver !== true || !(await parts.sessions.bring(claim))) return answer;
  const asked = { settlements: [], claims: [claim] };
  const again = await commit(parts.cells.at(claim.queue), asked, { idle: parts.idle, lean: new Lean() });
  return again.claimed[0] ?? answer;
}
