import type { Effect, EffectResult } from '../store.ts';
import { putJobs, takeAdded } from './add.ts';
import type { Cursor } from './cursor.ts';
import { putEffect, takeEffect } from './effect-wire.ts';
import type { Arg } from './reply.ts';

/** Each by its name and what it takes, as the scripts read them. */
export function putEffects(args: Arg[], effects: readonly Effect[]): void {
  for (const effect of effects) {
    if (effect.op === 'add') {
      args.push(effect.op);
      putJobs(args, effect.jobs);
    } else putEffect(args, effect);
  }
}

export function takeEffects(cursor: Cursor, effects: readonly Effect[]): EffectResult[] {
  return effects.map((effect) =>
    effect.op === 'add' ? { op: 'add', jobs: takeAdded(cursor, effect.jobs) } : takeEffect(cursor, effect),
  );
}
