import { AUDIT_KEPT, REMEMBERED_MS } from '../../job/keep.ts';
import type { JobRef } from '../../job/record.ts';
import { auditRecord } from '../audit.ts';
import type { AddOutcome, ApplyOptions, Effect, EffectResult, NewJob } from '../store.ts';
import { addApart, isApart, keptAnswer } from './add.ts';
import { configure, drain, obliterate } from './admin.ts';
import { cancel, discard, prioritize, promote, redrive, reschedule } from './move.ts';
import { abortOperation, startOperation } from './operations.ts';
import type { Transaction } from './transaction.ts';
import { data, isolate, log, progress } from './write.ts';

/** Two at once with one id: the second waits and finds the answer of the first. */
const LOCK_REQUEST = 'select pg_advisory_xact_lock(19817, hashtext($1))';
/** Locked, because a commit that writes nothing waits for no standby, and the first call may not have got through to it. */
const READ_REQUEST = 'select answer from {s}.request where id = $1 and answered_at > $2 for update';
const WRITE_REQUEST = `
  insert into {s}.request (id, answered_at, answer) values ($1, $2, $3)
  on conflict (id) do update set answered_at = excluded.answered_at, answer = excluded.answer`;
const INSERT_AUDIT = `
  insert into {s}.audit (number, at, actor, op, queue, id, detail)
  select nextval('{s}.audit_number'), * from (
    select a.at, a.actor, a.op, a.queue, a.id, a.detail
    from rows from (json_to_recordset($1) as (at bigint, actor text, op text, queue text, id text, detail text))
      with ordinality a(at, actor, op, queue, id, detail, place) order by a.place) x`;
const TRIM_AUDIT = `delete from {s}.audit where number <= (select max(number) from {s}.audit) - ${AUDIT_KEPT}`;

export async function apply(
  tx: Transaction,
  effects: readonly Effect[],
  { requestId, actor }: Omit<ApplyOptions, 'tx'> = {},
): Promise<EffectResult[]> {
  const repeated = requestId === undefined ? null : await answered(tx, requestId, effects);
  if (repeated !== null) return repeated;
  await needFor(tx, effects);
  const results: EffectResult[] = [];
  for (const effect of effects) results.push(await applyEffect(tx, effect));
  await tx.flush();
  if (requestId !== undefined) await tx.db.run(WRITE_REQUEST, requestId, tx.now, JSON.stringify(results));
  if (actor !== undefined) await audit(tx, effects, actor);
  return results;
}

/** All jobs that the effects could touch, so that they are locked in one order. */
async function needFor(tx: Transaction, effects: readonly Effect[]): Promise<void> {
  await tx.needJobs(refsOf(effects));
}

export function refsOf(effects: readonly Effect[]): JobRef[] {
  return effects.flatMap((effect) => {
    if (!('job' in effect)) return [];
    if (effect.op !== 'redrive' || effect.toQueue === null) return [effect.job];
    return [effect.job, { queue: effect.toQueue, id: effect.job.id }];
  });
}

export async function applyEffect(tx: Transaction, effect: Effect): Promise<EffectResult> {
  switch (effect.op) {
    case 'add':
      return { op: effect.op, jobs: await add(tx, effect.jobs) };
    case 'progress':
      return { op: effect.op, ...(await progress(tx, effect.job, effect.value)) };
    case 'log':
      return { op: effect.op, ...(await log(tx, effect.job, effect.lines)) };
    case 'data':
      return { op: effect.op, ...(await data(tx, effect.job, effect.body, effect.contentType)) };
    case 'isolate':
      return { op: effect.op, ...(await isolate(tx, effect.job, effect.alone)) };
    case 'cancel':
      return { op: effect.op, ...(await cancel(tx, effect.job, effect.reason)) };
    case 'redrive':
      return { op: effect.op, ...(await redrive(tx, effect.job, effect.toQueue)) };
    case 'discard':
      return { op: effect.op, ...(await discard(tx, effect.job)) };
    case 'promote':
      return { op: effect.op, ...(await promote(tx, effect.job)) };
    case 'reschedule':
      return { op: effect.op, ...(await reschedule(tx, effect.job, effect.delayMs)) };
    case 'prioritize':
      return { op: effect.op, ...(await prioritize(tx, effect.job, effect)) };
    default:
      return applyToQueue(tx, effect);
  }
}

type OnQueue = Exclude<Effect, { readonly job: unknown } | { readonly op: 'add' }>;

async function applyToQueue(tx: Transaction, effect: OnQueue): Promise<EffectResult> {
  switch (effect.op) {
    case 'configure':
      return { op: effect.op, settings: await configure(tx, effect.queue, effect.patch) };
    case 'drain':
      return { op: effect.op, ...(await drain(tx, effect)) };
    case 'obliterate':
      return { op: effect.op, ...(await obliterate(tx, effect.queue, effect.force)) };
    case 'start-operation':
      return { op: effect.op, ...(await startOperation(tx, effect.operation)) };
    default:
      return { op: effect.op, ...(await abortOperation(tx, effect.id)) };
  }
}

/** A statement adds no id twice; and it sees what was done before it. */
async function add(tx: Transaction, jobs: readonly NewJob[]): Promise<AddOutcome[]> {
  const outcomes: AddOutcome[] = [];
  for (const part of isApart(jobs) ? [jobs] : apart(jobs)) {
    await tx.flush();
    if (part.length > 0) outcomes.push(...(await addApart(tx.db, part, tx.now)));
  }
  tx.forgetMissing();
  for (const [index, { queue }] of jobs.entries()) {
    if (outcomes[index]?.outcome === 'created') tx.hint(queue, 'ready');
  }
  return outcomes;
}

/** In parts that have no id twice. */
function apart(jobs: readonly NewJob[]): NewJob[][] {
  const parts: NewJob[][] = [];
  let seen = new Set<string>();
  for (const job of jobs) {
    const key = `${job.queue} ${job.id}`;
    if (seen.has(key) || parts.length === 0) {
      parts.push([]);
      seen = new Set();
    }
    seen.add(key);
    parts.at(-1)?.push(job);
  }
  return parts;
}

async function answered(
  tx: Transaction,
  requestId: string,
  effects: readonly Effect[],
): Promise<EffectResult[] | null> {
  await tx.db.run(LOCK_REQUEST, requestId);
  const row = await tx.db.get<{ answer: string }>(READ_REQUEST, requestId, tx.now - REMEMBERED_MS);
  return row === undefined ? null : resultsOf(row.answer, effects);
}

/** What was kept of an answer. Of a large batch only the doubles are; whoever repeats the call brings the ids. */
export function resultsOf(answer: string, effects: readonly Effect[]): EffectResult[] {
  const kept = JSON.parse(answer) as EffectResult[] | Parameters<typeof keptAnswer>[0];
  if (Array.isArray(kept)) return kept;
  const ids = effects.flatMap((effect) => (effect.op === 'add' ? effect.jobs.map(({ id }) => id) : []));
  return keptAnswer(kept as Parameters<typeof keptAnswer>[0], ids);
}

async function audit(tx: Transaction, effects: readonly Effect[], actor: string): Promise<void> {
  const records = effects.map((effect) => auditRecord(effect, actor, tx.now));
  await tx.db.run(INSERT_AUDIT, JSON.stringify(records));
  await tx.db.run(TRIM_AUDIT);
}
