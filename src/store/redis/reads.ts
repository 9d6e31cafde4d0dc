import { UnsupportedError } from '../../errors.ts';
import type { Store } from '../store.ts';
import type { Engine } from './engine.ts';

type Verbs = Pick<
  Store,
  | 'job'
  | 'attempts'
  | 'logs'
  | 'find'
  | 'queues'
  | 'stats'
  | 'sessions'
  | 'leases'
  | 'feed'
  | 'operations'
  | 'audit'
  | 'verify'
  | 'dump'
  | 'durability'
  | 'doctor'
>;

/** In the making. */
export function reads(engine: Engine): Verbs {
  throw new UnsupportedError(`the Redis store at ${engine.place.url} is in the making.`);
}
