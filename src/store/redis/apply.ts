import type { ApplyOptions, Effect, EffectResult } from '../store.ts';
import { putJobs } from './add.ts';
import { Cursor } from './cursor.ts';
import { putAudit } from './effect-wire.ts';
import { putEffects, type Sending, takeEffects } from './effects.ts';
import type { Engine } from './engine.ts';
import { Luck } from './luck.ts';
import { ANSWERS_OF } from './read-scripts.ts';
import { type Arg, listOf, type Reply } from './reply.ts';
import { ADD_JOBS, APPLY_EFFECTS, LEAN_ADD_JOBS } from './scripts.ts';

/** With `sends`: what other cells are to do, in the same step. */
export async function apply(
  engine: Engine,
  effects: readonly Effect[],
  { requestId = '', actor, sends = [] }: ApplyOptions & { readonly sends?: readonly Sending[] },
): Promise<EffectResult[]> {
  const [effect] = effects;
  const isAdd = effects.length === 1 && effect?.op === 'add' && actor === undefined && sends.length === 0;
  const args = isAdd
    ? [requestId, requestId === '' ? '' : shapeOf(effects)]
    : applyArgs([...effects, ...sends], effects, { requestId, actor });
  if (isAdd) putJobs(args, effect.jobs);
  const cursor = new Cursor(await (isAdd ? add(engine, args) : engine.write(APPLY_EFFECTS, args)));
  const shape = cursor.text();
  return takeEffects(cursor, shape === '' ? effects : ofShape(shape, effects));
}

/** What a call was answered; null if nobody remembers it. */
export async function answersOf(
  engine: Engine,
  effects: readonly Effect[],
  requestId: string,
): Promise<EffectResult[] | null> {
  const cursor = new Cursor(listOf(await engine.read(ANSWERS_OF, [requestId])));
  if (cursor.isEnd) return null;
  return takeEffects(cursor, ofShape(cursor.text(), effects));
}

export function applyArgs(
  all: readonly (Effect | Sending)[],
  effects: readonly Effect[],
  { requestId, actor }: { readonly requestId: string; readonly actor?: string | undefined },
): Arg[] {
  const args: Arg[] = [requestId, requestId === '' ? '' : shapeOf(effects), all.length];
  putEffects(args, all);
  putAudit(args, effects, actor);
  return args;
}

/** Each server, or each queue that spreads, has luck of its own. */
const lucks = new WeakMap<Engine, Luck>();

function luckOf(engine: Engine): Luck {
  const known = lucks.get(engine) ?? new Luck();
  lucks.set(engine, known);
  return known;
}

/** Where the jobs are of one queue, the short way is tried first, in the same call; `args` are the same. */
async function add(engine: Engine, args: readonly Arg[]): Promise<readonly Reply[]> {
  const [, , runs, name] = args;
  const luck = luckOf(engine);
  const queue = runs === 1 ? String(name) : null;
  if (queue === null || !luck.isWorthIt(queue)) return engine.write(ADD_JOBS, args);
  const said = await engine.write(LEAN_ADD_JOBS, args);
  luck.learn(queue, typeof said.at(-1) !== 'number');
  return said;
}

/** What of effects tells how their answers are to be read: the name, and of jobs that are added their ids. */
type Shape = readonly (string | number | readonly string[])[];

/** Of more jobs than this their number is kept in place of the ids: whoever repeats the call brings these. */
const FEW = 20;

/** Kept with the answers of a request, as whoever uses its id again is answered as before, whatever he brings. */
function shapeOf(effects: readonly Effect[]): string {
  const shape: Shape = effects.map((effect) => {
    if (effect.op !== 'add') return effect.op;
    return effect.jobs.length > FEW ? effect.jobs.length : effect.jobs.map(({ id }) => id);
  });
  return JSON.stringify(shape);
}

type Answered = Parameters<typeof takeEffects>[1][number];

function ofShape(text: string, effects: readonly Effect[]): Answered[] {
  return (JSON.parse(text) as Shape).map((part, index): Answered => {
    if (typeof part === 'string') return { op: part as Exclude<Effect['op'], 'add'> };
    if (typeof part !== 'number') return { op: 'add', jobs: part.map((id) => ({ id })) };
    const effect = effects[index];
    return { op: 'add', jobs: effect?.op === 'add' ? effect.jobs : [] };
  });
}
