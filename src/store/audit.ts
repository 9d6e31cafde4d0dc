import { canonicalJson } from '../job/dump.ts';
import type { AuditRecord, Effect } from './store.ts';

/** What the audit trail says about an effect that a person asked for; the same words in every store. */
export function auditRecord(effect: Effect, actor: string, at: number): AuditRecord {
  return { at, actor, op: effect.op, ...subjectOf(effect), detail: detailOf(effect) };
}

function subjectOf(effect: Effect): { queue: string; id: string } {
  if ('job' in effect) return { queue: effect.job.queue, id: effect.job.id };
  if (effect.op === 'add') {
    const [first, ...others] = effect.jobs;
    return { queue: first?.queue ?? '', id: others.length === 0 ? (first?.id ?? '') : '' };
  }
  if (effect.op === 'start-operation') return { queue: '', id: effect.operation.id };
  if (effect.op === 'abort-operation') return { queue: '', id: effect.id };
  return { queue: effect.queue, id: '' };
}

/** Never a payload: people read the trail who may not read the jobs. */
function detailOf(effect: Effect): string {
  switch (effect.op) {
    case 'add':
      return `jobs: ${effect.jobs.length}`;
    case 'cancel':
      return effect.reason;
    case 'redrive':
      return effect.toQueue === null ? '' : `to ${effect.toQueue}`;
    case 'reschedule':
      return `in ${effect.delayMs} ms`;
    case 'prioritize':
      return `priority ${effect.priority}${effect.lifo ? ', first' : ''}`;
    case 'configure':
      return canonicalJson(effect.patch);
    case 'drain':
      return effect.delayed ? 'delayed too' : '';
    case 'obliterate':
      return effect.force ? 'force' : '';
    case 'start-operation':
      return canonicalJson(effect.operation);
    default:
      return '';
  }
}
