import type { Hint, Unwatch } from '../store.ts';
import type { State } from './state.ts';

export function watch(state: State, queues: readonly string[], onNews: (hint: Hint) => void): Unwatch {
  const watcher = { queues: [...queues], onNews };
  state.watchers.add(watcher);
  return () => {
    state.watchers.delete(watcher);
  };
}
