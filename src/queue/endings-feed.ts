import { CancelledError, JobFailedError } from '../errors.ts';
import { MAX_PAGE } from '../job/limits.ts';
import { decodeJson } from '../job/payload.ts';
import type { JobRef } from '../job/record.ts';
import type { Change, Store } from '../store/store.ts';
import { errorFrom, readStoredError } from './stored-error.ts';

/** How a job ended. */
export type Ending =
  | { readonly to: 'completed'; readonly result: unknown }
  | { readonly to: 'failed'; readonly error: Error };

/** Longer than the longest wait between two looks, so that the recording never stops in between. */
const KEEP_MS = 60_000;

/** Follows the changes of a queue for the end of one job whose record is deleted in the step that ends it. */
export class EndingsFeed {
  readonly #store: Store;
  readonly #ref: JobRef;
  #cursor: number | null = null;
  #ending: Ending | null = null;

  constructor(store: Store, ref: JobRef) {
    this.#store = store;
    this.#ref = ref;
  }

  async start(): Promise<void> {
    if (this.#cursor === null) await this.advance();
  }

  /** Reads on to the present; the end of the job once it was seen. */
  async advance(): Promise<Ending | null> {
    while (this.#ending === null) {
      const page = await this.#store.feed({
        queues: [this.#ref.queue],
        after: this.#cursor,
        limit: MAX_PAGE,
        keepMs: KEEP_MS,
      });
      this.#cursor = page.cursor;
      for (const change of page.changes) this.#ending ??= this.#endingOf(change);
      if (page.changes.length < MAX_PAGE) break;
    }
    return this.#ending;
  }

  #endingOf(change: Change): Ending | null {
    if (change.id !== this.#ref.id) return null;
    const { queue, id } = this.#ref;
    const value = change.data === null ? null : decodeJson(change.data, 'result');
    if (change.kind === 'completed') return { to: 'completed', result: value };
    if (change.kind === 'failed') {
      const stored = readStoredError(value);
      const message = stored?.message ?? 'its error was not kept';
      const cause = stored === null ? undefined : errorFrom(stored);
      return { to: 'failed', error: new JobFailedError(queue, id, message, { cause }) };
    }
    if (change.kind !== 'cancelled') return null;
    return { to: 'failed', error: new CancelledError(queue, id, 'its reason was not kept') };
  }
}
