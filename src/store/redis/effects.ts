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

/** What has to be known of an effect to read its answer. */
type Asked =
  | { readonly op: 'add'; readonly jobs: readonly { readonly id: string }[] }
  | { readonly op: Exclude<Effect['op'], 'add'> };

export function takeEffects(cursor: Cursor, effects: readonly Asked[]): EffectResult[] {
  return effects.map((effect) =>
    effect.op === 'add' ? { op: 'add', jobs: takeAdded(cursor, effect.jobs) } : takeEffect(cursor, effect),
  );
}
