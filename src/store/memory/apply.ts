import { UnsupportedError } from '../../errors.ts';
import { AUDIT_KEPT, REMEMBERED_MS } from '../../job/keep.ts';
import { auditRecord } from '../audit.ts';
import type { ApplyOptions, Effect, EffectResult } from '../store.ts';
import { add } from './add.ts';
import { configure, drain, obliterate } from './admin.ts';
import { cancel, discard, prioritize, promote, redrive, reschedule } from './move.ts';
import { abortOperation, startOperation } from './operations.ts';
import type { Step } from './step.ts';
import { data, isolate, log, progress } from './write.ts';

export function apply(step: Step, effects: readonly Effect[], options: ApplyOptions = {}): EffectResult[] {
  const { requestId, tx, actor } = options;
  if (tx !== undefined) {
    throw new UnsupportedError('the memory store has no transactions to join; leave out the option "tx".');
  }
  const repeated = requestId === undefined ? undefined : step.state.requests.get(requestId);
  if (repeated !== undefined && step.nowMs - repeated.at < REMEMBERED_MS) return [...repeated.results];
  const results = effects.map((effect) => applyEffect(step, effect));
  if (requestId !== undefined) step.state.requests.set(requestId, { at: step.nowMs, results: [...results] });
  if (actor !== undefined) audit(step, effects, actor);
  return results;
}

export function applyEffect(step: Step, effect: Effect): EffectResult {
  switch (effect.op) {
    case 'add':
      return { op: effect.op, jobs: add(step, effect.jobs) };
    case 'progress':
      return { op: effect.op, ...progress(step, effect.job, effect.value) };
    case 'log':
      return { op: effect.op, ...log(step, effect.job, effect.lines) };
    case 'data':
      return { op: effect.op, ...data(step, effect.job, effect.body, effect.contentType) };
    case 'isolate':
      return { op: effect.op, ...isolate(step, effect.job, effect.alone) };
    case 'cancel':
      return { op: effect.op, ...cancel(step, effect.job, effect.reason) };
    case 'redrive':
      return { op: effect.op, ...redrive(step, effect.job, effect.toQueue) };
    case 'discard':
      return { op: effect.op, ...discard(step, effect.job) };
    case 'promote':
      return { op: effect.op, ...promote(step, effect.job) };
    case 'reschedule':
      return { op: effect.op, ...reschedule(step, effect.job, effect.delayMs) };
    case 'prioritize':
      return { op: effect.op, ...prioritize(step, effect.job, effect) };
    case 'configure':
      return { op: effect.op, settings: configure(step, effect.queue, effect.patch) };
    case 'drain':
      return { op: effect.op, ...drain(step, effect) };
    case 'obliterate':
      return { op: effect.op, ...obliterate(step, effect.queue, effect.force) };
    case 'start-operation':
      return { op: effect.op, ...startOperation(step, effect.operation) };
    default:
      return { op: effect.op, ...abortOperation(step, effect.id) };
  }
}

function audit({ state, nowMs }: Step, effects: readonly Effect[], actor: string): void {
  for (const effect of effects) state.audit.push(auditRecord(effect, actor, nowMs));
  state.audit.splice(0, state.audit.length - AUDIT_KEPT);
}

/** Request ids are forgotten when nobody can be repeating them any more. */
export function forgetRequests({ state, nowMs }: Step): void {
  for (const [id, { at }] of state.requests) if (nowMs - at >= REMEMBERED_MS) state.requests.delete(id);
}
