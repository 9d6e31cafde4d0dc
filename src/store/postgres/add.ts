import { remembering, textOfPolicy } from '../../job/policy-text.ts';
import type { AddOutcome, EffectResult, NewJob } from '../store.ts';
import { numberArray, textArray } from './array-text.ts';
import type { AnswerRow } from './claim.ts';
import type { Database } from './database.ts';
import type { SqlValue } from './driver.ts';

const ADD = 'select {s}.add_v1($1, $2, $3, $4, $5, $6, $7, $8, $9) as told';
/** The parts of a union are worked off in their order, and each call sees what the ones before it did. */
const ADD_AND_CLAIM = `
  select {s}.add_v1($1, $2, $3, $4, $5, $6, $7, $8, $9) as told, null as answer, null::bytea as bytes
  union all
  select null, c.answer, c.bytes from {s}.claim_v1($1, $10, false) c`;

/** Jobs as the function takes them: what several have in common once, the bodies end to end. */
interface Batch {
  readonly kinds: string;
  readonly ids: string;
  readonly ofKind: string;
  readonly at: string;
  readonly sizes: string;
  readonly bodies: Uint8Array;
}

/** Adds them; answers the places of those that were there already. No two have one id in one queue. */
export async function addApart(db: Database, jobs: readonly NewJob[], now: number): Promise<AddOutcome[]> {
  const told = await send(db, { jobs, now, requestId: null, mine: null });
  const doubles = new Set(JSON.parse(told.slice(1)) as number[]);
  return outcomesOf(idsOf(jobs), doubles);
}

/** A call that adds and does nothing else. */
export interface Adding {
  readonly jobs: readonly NewJob[];
  /** Null: by the clock of the server. */
  readonly now: number | null;
  /** A known one is answered as the first time. */
  readonly requestId: string | null;
  /** Workers that are told by this process itself if they wait. */
  readonly mine: readonly string[] | null;
}

/** As one statement. A text is what the call was answered the first time. */
export async function addAtOnce(db: Database, adding: Adding): Promise<EffectResult[] | string> {
  return resultsOf(await send(db, adding), adding.jobs);
}

/** The same, and then a claim in the same statement, as `claim_v1` takes it. */
export async function addAndClaim(
  db: Database,
  adding: Adding,
  claim: string,
): Promise<{ readonly results: EffectResult[] | string; readonly rows: AnswerRow[] }> {
  const [added, ...rows] = await db.all<{ told: string } & AnswerRow>(
    ADD_AND_CLAIM,
    ...valuesOf(adding),
    claim,
  );
  return { results: resultsOf(added?.told ?? '', adding.jobs), rows };
}

function resultsOf(told: string, jobs: readonly NewJob[]): EffectResult[] | string {
  if (told.startsWith('r')) return told.slice(1);
  const doubles = new Set(JSON.parse(told.slice(1)) as number[]);
  return [{ op: 'add', jobs: outcomesOf(idsOf(jobs), doubles) }];
}

const idsOf = (jobs: readonly NewJob[]): string[] => jobs.map(({ id }) => id);

function outcomesOf(ids: readonly string[], doubles: ReadonlySet<number>): AddOutcome[] {
  return ids.map((id, place) => ({ id, outcome: doubles.has(place) ? 'duplicate' : 'created' }));
}

interface Kept {
  readonly doubles: readonly number[];
  /** Or how many there were: the call that is repeated knows them. */
  readonly ids: readonly string[] | number;
}

/** What the function keeps of a call with a request id. */
export function keptAnswer(kept: Kept, ids: readonly string[]): EffectResult[] {
  const known = typeof kept.ids === 'number' ? ids.slice(0, kept.ids) : kept.ids;
  return [{ op: 'add', jobs: outcomesOf(known, new Set(kept.doubles)) }];
}

/** No statement adds one id twice, so that each job of it is new or was there before. */
export function isApart(jobs: readonly NewJob[]): boolean {
  const ids = new Set<string>();
  for (const { id } of jobs) ids.add(id);
  if (ids.size === jobs.length) return true;
  return new Set(jobs.map(({ queue, id }) => `${queue} ${id}`)).size === jobs.length;
}

async function send(db: Database, adding: Adding): Promise<string> {
  return (await db.get<{ told: string }>(ADD, ...valuesOf(adding)))?.told ?? '';
}

function valuesOf({ jobs, now, requestId, mine }: Adding): SqlValue[] {
  const { kinds, ids, ofKind, at, sizes, bodies } = batchOf(jobs);
  return [now, requestId, kinds, ids, ofKind, at, sizes, bodies, mine];
}

function batchOf(jobs: readonly NewJob[]): Batch {
  const kindOf = kinds();
  const ofKind = jobs.map((job) => kindOf.numberOf(job));
  const sizes = jobs.map(({ body }) => body.byteLength);
  let end = 1;
  const at = sizes.map((size) => {
    end += size;
    return end - size;
  });
  return {
    kinds: kindOf.text(),
    ids: textArray(idsOf(jobs)),
    ofKind: numberArray(ofKind),
    at: numberArray(at),
    sizes: numberArray(sizes),
    bodies: endToEnd(jobs.map(({ body }) => body)),
  };
}

/** Most jobs of a call differ in nothing but their id and body. */
function kinds(): { numberOf(job: NewJob): number; text(): string } {
  const numbers = new Map<string, number>();
  const headersOf = remembering((headers: NewJob['headers']) => JSON.stringify(headers));
  const policyOf = remembering(textOfPolicy);
  let last: { readonly job: NewJob; readonly number: number } | null = null;
  return {
    numberOf: (job) => {
      if (last !== null && isLike(job, last.job)) return last.number;
      const { queue, name, contentType: type, headers, policy, priority, lifo, delayMs: delay } = job;
      const text = JSON.stringify({
        ...{
          queue,
          name,
          type,
          priority,
          lifo,
          delay,
          headers: headersOf(headers),
          policy: policyOf(policy),
        },
        ...{ ttl: policy.ttlMs, timeout: policy.timeoutMs },
        ...{ keep: policy.keepCompletedMs, keep_failed: policy.keepFailedMs },
      });
      const number = numbers.get(text) ?? numbers.size + 1;
      numbers.set(text, number);
      last = { job, number };
      return number;
    },
    text: () => `[${[...numbers.keys()].join(',')}]`,
  };
}

/** By the objects that the caller made once for all of them; two that only look alike are told apart, which is harmless. */
function isLike(one: NewJob, other: NewJob): boolean {
  return (
    one.policy === other.policy &&
    one.headers === other.headers &&
    one.name === other.name &&
    one.queue === other.queue &&
    one.contentType === other.contentType &&
    one.priority === other.priority &&
    one.lifo === other.lifo &&
    one.delayMs === other.delayMs
  );
}

export function endToEnd(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}
