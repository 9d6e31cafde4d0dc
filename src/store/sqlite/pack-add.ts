import type { Effect, NewJob } from '../store.ts';
import type { Cargo, Packed, Take } from './cargo.ts';

/** What jobs of one call mostly have in common. */
type Kind = Omit<NewJob, 'id' | 'body'>;
type Row = readonly [kind: number, id: string, body: Packed];

interface PackedAdd {
  readonly op: 'packed-add';
  readonly kinds: readonly Kind[];
  /** `Row`s. */
  readonly text: string;
}

/** The jobs of an `add`; any other effect is itself. */
export type PackedEffect = Exclude<Effect, { readonly op: 'add' }> | PackedAdd;

export function packEffect(effect: Effect, cargo: Cargo): PackedEffect {
  if (effect.op !== 'add') return effect;
  const kinds: Kind[] = [];
  let last: NewJob | null = null;
  const rows = effect.jobs.map((job): Row => {
    if (last === null || !isAlike(last, job)) kinds.push(kindOf(job));
    last = job;
    return [kinds.length - 1, job.id, cargo.put(job.body)];
  });
  return { op: 'packed-add', kinds, text: JSON.stringify(rows) };
}

export function unpackEffect(packed: PackedEffect, take: Take): Effect {
  if (packed.op !== 'packed-add') return packed;
  const { kinds, text } = packed;
  const jobs = (JSON.parse(text) as Row[]).map(([kind, id, body]): NewJob => {
    const { queue, name, contentType, headers, policy, priority, lifo, delayMs } = kinds[kind] as Kind;
    return { queue, id, name, body: take(body), contentType, headers, policy, priority, lifo, delayMs };
  });
  return { op: 'add', jobs };
}

/** The same objects, not equal ones: jobs without wishes of their own share theirs. */
function isAlike(one: NewJob, other: NewJob): boolean {
  return (
    one.queue === other.queue &&
    one.name === other.name &&
    one.contentType === other.contentType &&
    one.headers === other.headers &&
    one.policy === other.policy &&
    one.priority === other.priority &&
    one.lifo === other.lifo &&
    one.delayMs === other.delayMs
  );
}

function kindOf({ queue, name, contentType, headers, policy, priority, lifo, delayMs }: NewJob): Kind {
  return { queue, name, contentType, headers, policy, priority, lifo, delayMs };
}
