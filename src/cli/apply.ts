import { NotFoundError, StoreUnavailableError } from '../errors.ts';
import { didYouMean } from '../job/suggest.ts';
import { sleep } from '../runtime/clock.ts';
import type { Effect, EffectResult, QueueSummary } from '../store/store.ts';
import type { Opened } from './open-store.ts';

const PAUSES_MS = [100, 500, 2_000];

/**
 * Applies effects in the name of the person at the keyboard. When the answer is lost the same request is repeated
 * under the same id, which changes nothing twice.
 */
export async function applyEffects(opened: Opened, effects: readonly Effect[]): Promise<EffectResult[]> {
  const { cli, store } = opened;
  const options = { requestId: cli.makeId(), actor: cli.actor };
  for (const pauseMs of PAUSES_MS) {
    try {
      return await store.apply(effects, options);
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      await sleep(cli.clock, pauseMs);
    }
  }
  return store.apply(effects, options);
}

/** The queues of these names; a name that no queue has is an error, never a new queue. */
export async function requireQueues(opened: Opened, names: readonly string[]): Promise<QueueSummary[]> {
  const found = await opened.store.queues(names);
  const missing = names.find((name) => !found.some((summary) => summary.queue === name));
  if (missing === undefined) return found;
  const known = (await opened.store.queues()).map((summary) => summary.queue);
  const guess = didYouMean(missing, known);
  throw new NotFoundError(
    `there is no queue "${missing}".${guess === '' ? ' See "millrace queues ls".' : guess}`,
  );
}
