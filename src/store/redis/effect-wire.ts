import type { JobState } from '../../job/record.ts';
import { auditRecord } from '../audit.ts';
import type { Effect, EffectResult, MoveOutcome, Swept, Target } from '../store.ts';
import type { Cursor } from './cursor.ts';
import type { Arg } from './reply.ts';
import { settingsOfText, textsOfPatch } from './settings-text.ts';

/** Every effect but `add`, which has a form of its own. */
export type PlainEffect = Exclude<Effect, { readonly op: 'add' }>;

/** Its name and what it takes, in the order in which its script reads it. */
export function putEffect(args: Arg[], effect: PlainEffect): void {
  args.push(effect.op);
  for (const arg of argsOf(effect)) args.push(arg);
}

function argsOf(effect: PlainEffect): readonly Arg[] {
  switch (effect.op) {
    case 'progress':
      return [...targetOf(effect.job), effect.value];
    case 'log':
      return [...targetOf(effect.job), effect.lines.length, ...effect.lines];
    case 'data':
      return [...targetOf(effect.job), effect.body, effect.contentType];
    case 'isolate':
      return [...targetOf(effect.job), flag(effect.alone)];
    case 'cancel':
      return [effect.job.queue, effect.job.id, effect.reason];
    case 'redrive':
      return [effect.job.queue, effect.job.id, effect.toQueue ?? ''];
    case 'discard':
    case 'promote':
      return [effect.job.queue, effect.job.id];
    case 'reschedule':
      return [effect.job.queue, effect.job.id, effect.delayMs];
    case 'prioritize':
      return [effect.job.queue, effect.job.id, effect.priority, flag(effect.lifo)];
    default:
      return argsOfWhole(effect);
  }
}

type WholeEffect = Extract<
  PlainEffect,
  { readonly op: 'configure' | 'drain' | 'obliterate' | 'start-operation' | 'abort-operation' }
>;

function argsOfWhole(effect: WholeEffect): readonly Arg[] {
  switch (effect.op) {
    case 'configure':
      return [effect.queue, ...textsOfPatch(effect.patch)];
    case 'drain':
      return [effect.queue, flag(effect.delayed), effect.before ?? ''];
    case 'obliterate':
      return [effect.queue, flag(effect.force)];
    case 'start-operation':
      return [effect.operation.id, JSON.stringify(effect.operation)];
    default:
      return [effect.id];
  }
}

function targetOf(target: Target): readonly Arg[] {
  return [target.queue, target.id, 'token' in target ? target.token : ''];
}

function flag(isSet: boolean): 0 | 1 {
  return isSet ? 1 : 0;
}

/** What the effect's script has said. */
export function takeEffect(cursor: Cursor, { op }: Pick<PlainEffect, 'op'>): EffectResult {
  switch (op) {
    case 'configure':
      return { op, settings: settingsOfText(cursor.text()) };
    case 'drain':
    case 'obliterate':
      return { op, ...takeSwept(cursor) };
    case 'start-operation':
    case 'abort-operation':
      return { op, outcome: cursor.text() as 'ok' | 'gone' };
    default:
      return { op, ...takeOutcome(cursor) };
  }
}

function takeSwept(cursor: Cursor): Swept {
  const outcome = cursor.text() as Swept['outcome'];
  const removed = cursor.number();
  const more = cursor.number() === 1;
  return { outcome, removed, more, before: cursor.number() };
}

function takeOutcome(cursor: Cursor): MoveOutcome {
  const outcome = cursor.text() as MoveOutcome['outcome'];
  return outcome === 'wrong-state' ? { outcome, state: cursor.text() as JobState } : { outcome };
}

/** One row an effect that a person asked for; the script puts the time before it. */
export function putAudit(args: Arg[], effects: readonly Effect[], actor: string | undefined): void {
  if (actor === undefined) args.push(0);
  else {
    const rows = effects.map((effect) => {
      const { at: _, ...row } = auditRecord(effect, actor, 0);
      return JSON.stringify(row);
    });
    args.push(rows.length, ...rows);
  }
}
