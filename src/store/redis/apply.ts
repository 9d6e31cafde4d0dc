import type { ApplyOptions, Effect, EffectResult } from '../store.ts';
import { putJobs, takeAdded } from './add.ts';
import { Cursor } from './cursor.ts';
import { putAudit } from './effect-wire.ts';
import { putEffects, takeEffects } from './effects.ts';
import type { Engine } from './engine.ts';
import type { Arg } from './reply.ts';
import { ADD_JOBS, APPLY_EFFECTS } from './scripts.ts';

export async function apply(
  engine: Engine,
  effects: readonly Effect[],
  { requestId = '', actor }: ApplyOptions,
): Promise<EffectResult[]> {
  const [effect] = effects;
  const args: Arg[] = [requestId];
  if (effects.length === 1 && effect?.op === 'add' && actor === undefined) {
    putJobs(args, effect.jobs);
    const cursor = new Cursor(await engine.write(ADD_JOBS, args));
    return [{ op: 'add', jobs: takeAdded(cursor, effect.jobs) }];
  }
  args.push(effects.length);
  putEffects(args, effects);
  putAudit(args, effects, actor);
  const cursor = new Cursor(await engine.write(APPLY_EFFECTS, args));
  return takeEffects(cursor, effects);
}
