/** Effects that one cell writes down for another, and how they are told apart by queue. */

import type { AddOutcome, Effect, EffectResult, NewJob } from '../../store.ts';
import { applyArgs } from '../apply.ts';
import type { Sending } from '../effects.ts';
import type { Arg } from '../reply.ts';
import { HOME } from './cells.ts';

/** What one cell has to do of a call, and where its answers belong. */
export interface Part {
  readonly cell: string;
  readonly effects: Effect[];
  readonly places: { readonly effect: number; readonly jobs: readonly number[] | null }[];
}

/** In the order in which the cells are first named. */
export function partsOf(effects: readonly Effect[]): Part[] {
  const parts = new Map<string, Part>();
  const partOf = (cell: string): Part => {
    const part = parts.get(cell) ?? { cell, effects: [], places: [] };
    parts.set(cell, part);
    return part;
  };
  for (const [index, effect] of effects.entries()) {
    if (effect.op === 'add') {
      for (const [cell, places] of byQueue(effect.jobs)) {
        const part = partOf(cell);
        part.effects.push({ op: 'add', jobs: places.map((place) => effect.jobs[place] as NewJob) });
        part.places.push({ effect: index, jobs: places });
      }
    } else {
      const part = partOf(cellOf(effect));
      part.effects.push(effect);
      part.places.push({ effect: index, jobs: null });
    }
  }
  return [...parts.values()];
}

function byQueue(jobs: readonly NewJob[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (const [place, { queue }] of jobs.entries()) {
    const known = places.get(queue);
    if (known === undefined) places.set(queue, [place]);
    else known.push(place);
  }
  return places;
}

function cellOf(effect: Exclude<Effect, { readonly op: 'add' }>): string {
  if (effect.op === 'start-operation' || effect.op === 'abort-operation') return HOME;
  return 'queue' in effect ? effect.queue : effect.job.queue;
}

/** The queues that a call may bring into being. */
export function newQueuesOf(effects: readonly Effect[]): string[] {
  return effects.flatMap((effect) => {
    if (effect.op === 'add') return effect.jobs.map(({ queue }) => queue);
    return effect.op === 'configure' ? [effect.queue] : [];
  });
}

/** The answers of all parts, in the order of the effects. */
export function joined(
  effects: readonly Effect[],
  answered: readonly { readonly part: Part; readonly results: readonly EffectResult[] }[],
): EffectResult[] {
  const added = effects.map((effect): AddOutcome[] =>
    effect.op === 'add' ? effect.jobs.map(({ id }) => ({ id, outcome: 'duplicate' })) : [],
  );
  const all = effects.map((_, index): EffectResult => ({ op: 'add', jobs: added[index] ?? [] }));
  for (const { part, results } of answered) {
    for (const [index, { effect, jobs }] of part.places.entries()) {
      const result = results[index];
      if (result === undefined) continue;
      if (result.op !== 'add' || jobs === null) all[effect] = result;
      else
        for (const [nth, place] of jobs.entries())
          Object.assign(added[effect] ?? [], { [place]: result.jobs[nth] });
    }
  }
  return all;
}

/** What `lua/outbox.ts` is to do there; read back by `argsIn`. */
export function sendingOf(
  target: string,
  effects: readonly Effect[],
  asked: { readonly requestId: string; readonly actor?: string },
): Sending {
  const args = applyArgs(effects, effects, asked);
  const words = args.map((arg) =>
    typeof arg === 'object' ? { bytes: Buffer.from(arg).toString('base64') } : arg,
  );
  return { op: 'send', target, packed: Buffer.from(JSON.stringify(words)) };
}

export function argsIn(packed: Buffer): Arg[] {
  const words = JSON.parse(packed.toString('utf8')) as (string | number | { readonly bytes: string })[];
  return words.map((word) => (typeof word === 'object' ? Buffer.from(word.bytes, 'base64') : word));
}
