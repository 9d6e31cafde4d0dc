import type { Effect, EffectResult } from '../store.ts';
import { putJobs, takeAdded } from './add.ts';
import type { Cursor } from './cursor.ts';
import { putEffect, takeEffect } from './effect-wire.ts';
import type { Arg } from './reply.ts';

/** Effects for another cell, as `spread/wire.ts` packs them; written to the outbox in the step. Says nothing. */
export interface Sending {
  readonly op: 'send';
  readonly target: string;
  readonly packed: Buffer;
}

/** Each by its name and what it takes, as the scripts read them. */
export function putEffects(args: Arg[], effects: readonly (Effect | Sending)[]): void {
  for (const effect of effects) {
    if (effect.op === 'add') {
      args.push(effect.op);
      putJobs(args, effect.jobs);
    } else if (effect.op === 'send') args.push(effect.op, effect.target, effect.packed);
    else putEffect(args, effect);
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
