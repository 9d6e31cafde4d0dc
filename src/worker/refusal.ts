import { InvalidOptionError, InvalidPayloadError, LimitExceededError, UnsupportedError } from '../errors.ts';
import { toStoredError } from '../job/fingerprint.ts';
import { asError } from '../runtime/emitter.ts';
import type { Settlement, Store } from '../store/store.ts';
import { type Outgoing, UNKNOWN } from './outbox.ts';

const REFUSALS = [InvalidOptionError, InvalidPayloadError, LimitExceededError, UnsupportedError];

/** The store would not have what it was given, and wrote nothing: repeating the call cannot help. */
export function isRefusal(error: unknown): boolean {
  return REFUSALS.some((refusal) => error instanceof refusal);
}

/**
 * One settlement that the store refuses must not hold up the others: each is delivered alone, and the one that is
 * refused again ends its job as failed, by that error. Answers those that could not be delivered now.
 */
export async function deliverOneByOne(
  store: Pick<Store, 'commit'>,
  batch: readonly Outgoing[],
): Promise<readonly Outgoing[]> {
  for (const [index, outgoing] of batch.entries()) {
    try {
      await deliver(store, outgoing);
    } catch {
      return batch.slice(index);
    }
  }
  return [];
}

async function deliver(store: Pick<Store, 'commit'>, { settlement, onSettled }: Outgoing): Promise<void> {
  const refusal = await attempt(store, settlement, null, onSettled);
  if (refusal === null) return;
  const error = toStoredError(refusal, settlement.lease.queue);
  const instead: Settlement = { ...settlement, next: { to: 'failed', error, cause: 'invalid-payload' } };
  if ((await attempt(store, instead, refusal, onSettled)) !== null) onSettled({ ...UNKNOWN, refusal });
}

/** Answers the refusal, if it was one. */
async function attempt(
  store: Pick<Store, 'commit'>,
  settlement: Settlement,
  refusal: Error | null,
  onSettled: Outgoing['onSettled'],
): Promise<Error | null> {
  try {
    const { settled } = await store.commit([settlement]);
    onSettled({ outcome: settled[0]?.outcome ?? 'unknown', state: settled[0]?.state ?? null, refusal });
    return null;
  } catch (thrown) {
    if (isRefusal(thrown)) return asError(thrown);
    throw thrown;
  }
}
