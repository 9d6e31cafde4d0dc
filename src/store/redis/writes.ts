import { UnsupportedError } from '../../errors.ts';
import type { Store } from '../store.ts';
import type { Engine } from './engine.ts';
import type { Idle } from './idle.ts';

type Verbs = Pick<Store, 'apply' | 'claim' | 'commit' | 'renew' | 'beat' | 'endSession' | 'upkeep'>;

/** In the making. */
export function writes(engine: Engine, idle: Idle): Verbs {
  throw new UnsupportedError(`the Redis store at ${engine.place.url} is in the making (${typeof idle}).`);
}
