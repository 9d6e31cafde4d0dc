import { remembering, textOfPolicy } from '../../job/policy-text.ts';
import type { AddOutcome, EffectResult, NewJob } from '../store.ts';
import { numberArray, textArray } from './array-text.ts';
import type { Database } from './database.ts';
import type { SqlValue } from './driver.ts';

const ADD = 'select {s}.add_v1($1, $2, $3, $4, $5, $6, $7, $8) as told';

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
  const told = await send(db, { jobs, now, requestId: null });
  const doubles = new Set(JSON.parse(told.slice(1)) as number[]);
  return outcomesOf(
    jobs.map(({ id }) => id),
    doubles,
  );
}

/**
 * A call that adds and does nothing else, as one statement. `now` null: by the clock of the server. A known request id
 * is answered as the first time.
 */
export async function addAtOnce(
  db: Database,
  jobs: readonly NewJob[],
  { now, requestId }: { readonly now: number | null; readonly requestId: string | null },
): Promise<EffectResult[] | string> {
  const told = await send(db, { jobs, now, requestId });
  const ids = jobs.map(({ id }) => id);
  if (told.startsWith('r')) return told.slice(1);
  return [{ op: 'add', jobs: outcomesOf(ids, new Set(JSON.parse(told.slice(1)) as number[])) }];
}

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

interface Sending {
  readonly jobs: readonly NewJob[];
  readonly now: number | null;
  readonly requestId: string | null;
}

async function send(db: Database, { jobs, now, requestId }: Sending): Promise<string> {
  const { kinds, ids, ofKind, at, sizes, bodies } = batchOf(jobs);
  const values: SqlValue[] = [now, requestId, kinds, ids, ofKind, at, sizes, bodies];
  return (await db.get<{ told: string }>(ADD, ...values))?.told ?? '';
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
    ids: textArray(jobs.map(({ id }) => id)),
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
