import { AUDIT_KEPT, REMEMBERED_MS } from '../../job/keep.ts';
import { auditRecord } from '../audit.ts';
import type { ApplyOptions, Effect, EffectResult } from '../store.ts';
import { add } from './add.ts';
import { configure, drain, obliterate } from './admin.ts';
import { cancel, discard, prioritize, promote, redrive, reschedule } from './move.ts';
import { abortOperation, startOperation } from './operations.ts';
import type { Transaction } from './transaction.ts';
import { data, isolate, log, progress } from './write.ts';

const READ_REQUEST = 'select answer from millrace_request where id = ? and answered_at > ?';
const WRITE_REQUEST = `
  insert into millrace_request (id, answered_at, answer) values (?, ?, ?)
  on conflict do update set answered_at = excluded.answered_at, answer = excluded.answer`;
const INSERT_AUDIT = `
  insert into millrace_audit (number, at, actor, op, queue, id, detail) values (?, ?, ?, ?, ?, ?, ?)`;
const TRIM_AUDIT = 'delete from millrace_audit where number <= ?';

export function apply(
  tx: Transaction,
  effects: readonly Effect[],
  { requestId, actor }: Omit<ApplyOptions, 'tx'> = {},
): EffectResult[] {
  const repeated = requestId === undefined ? null : answered(tx, requestId);
  if (repeated !== null) return repeated;
  const results = effects.map((effect) => applyEffect(tx, effect));
  if (requestId !== undefined) tx.db.run(WRITE_REQUEST, requestId, tx.now, JSON.stringify(results));
  if (actor !== undefined) audit(tx, effects, actor);
  return results;
}

export function applyEffect(tx: Transaction, effect: Effect): EffectResult {
  switch (effect.op) {
    case 'add':
      return { op: effect.op, jobs: add(tx, effect.jobs) };
    case 'progress':
      return { op: effect.op, ...progress(tx, effect.job, effect.value) };
    case 'log':
      return { op: effect.op, ...log(tx, effect.job, effect.lines) };
    case 'data':
      return { op: effect.op, ...data(tx, effect.job, effect.body, effect.contentType) };
    case 'isolate':
      return { op: effect.op, ...isolate(tx, effect.job, effect.alone) };
    case 'cancel':
      return { op: effect.op, ...cancel(tx, effect.job, effect.reason) };
    case 'redrive':
      return { op: effect.op, ...redrive(tx, effect.job, effect.toQueue) };
    case 'discard':
      return { op: effect.op, ...discard(tx, effect.job) };
    case 'promote':
      return { op: effect.op, ...promote(tx, effect.job) };
    case 'reschedule':
      return { op: effect.op, ...reschedule(tx, effect.job, effect.delayMs) };
    case 'prioritize':
      return { op: effect.op, ...prioritize(tx, effect.job, effect) };
    case 'configure':
      return { op: effect.op, settings: configure(tx, effect.queue, effect.patch) };
    case 'drain':
      return { op: effect.op, ...drain(tx, effect) };
    case 'obliterate':
      return { op: effect.op, ...obliterate(tx, effect.queue, effect.force) };
    case 'start-operation':
      return { op: effect.op, ...startOperation(tx, effect.operation) };
    default:
      return { op: effect.op, ...abortOperation(tx, effect.id) };
  }
}

function answered(tx: Transaction, requestId: string): EffectResult[] | null {
  const row = tx.db.get<{ answer: string }>(READ_REQUEST, requestId, tx.now - REMEMBERED_MS);
  return row === undefined ? null : (JSON.parse(row.answer) as EffectResult[]);
}

function audit(tx: Transaction, effects: readonly Effect[], actor: string): void {
  for (const effect of effects) {
    const { at, op, queue, id, detail } = auditRecord(effect, actor, tx.now);
    tx.db.run(INSERT_AUDIT, tx.next('audit'), at, actor, op, queue, id, detail);
  }
  tx.db.run(TRIM_AUDIT, tx.last('audit') - AUDIT_KEPT);
}
