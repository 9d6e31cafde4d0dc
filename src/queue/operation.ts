import { NotFoundError, TimeoutError } from '../errors.ts';
import { durationMs } from '../job/duration.ts';
import { Bell } from '../runtime/bell.ts';
import type { NewOperation, OperationRecord } from '../store/store.ts';
import type { Client } from './client.ts';
import type { AwaitOptions } from './result.ts';

const FIRST_POLL_MS = 100;
const MAX_POLL_MS = 2_000;

/**
 * A bulk action over jobs that match a filter. Upkeep carries it out in slices, in whatever process runs a worker;
 * it goes on after crashes and restarts until it is done or aborted.
 */
export class Operation {
  readonly id: string;
  readonly #client: Client;

  constructor(client: Client, id: string) {
    this.#client = client;
    this.id = id;
  }

  /**
   * How far it is.
   *
   * @throws NotFoundError a week after it ended, when it is forgotten.
   */
  async status(): Promise<OperationRecord> {
    const known = await this.#client.store.operations();
    const record = known.find(({ id }) => id === this.id);
    if (record === undefined)
      throw new NotFoundError(`operation "${this.id}" is not known: it ended long ago.`);
    return record;
  }

  /**
   * Until it is done or aborted.
   *
   * @throws TimeoutError after `timeout`; the operation goes on.
   */
  async wait(options: AwaitOptions = {}): Promise<OperationRecord> {
    const { clock } = this.#client;
    const bell = new Bell(clock);
    const timeoutMs = options.timeout === undefined ? null : durationMs(options.timeout);
    const deadline = clock.monotonic() + (timeoutMs ?? Number.POSITIVE_INFINITY);
    for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(pollMs * 2, MAX_POLL_MS)) {
      options.signal?.throwIfAborted();
      const record = await this.status();
      if (record.state !== 'running') return record;
      const leftMs = deadline - clock.monotonic();
      if (leftMs <= 0) throw this.#timeout(record, options);
      await bell.wait(Math.min(pollMs, leftMs), options.signal);
    }
  }

  /** Jobs that were moved already stay moved. */
  async abort(): Promise<void> {
    const { outcome } = await this.#client.apply({ op: 'abort-operation', id: this.id });
    if (outcome === 'gone')
      throw new NotFoundError(`operation "${this.id}" is not known: it ended long ago.`);
  }

  #timeout({ done, kind }: OperationRecord, { timeout }: AwaitOptions): TimeoutError {
    return new TimeoutError(
      `operation "${this.id}" (${kind}) is not done within ${timeout}; ${done} jobs so far. It goes on, if a worker runs.`,
    );
  }
}

export async function startOperation(
  client: Client,
  operation: Omit<NewOperation, 'id'>,
): Promise<Operation> {
  const id = client.makeId();
  await client.apply({ op: 'start-operation', operation: { id, ...operation } });
  return new Operation(client, id);
}
