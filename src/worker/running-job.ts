import { LeaseLostError } from '../errors.ts';
import type { JobRecord } from '../job/record.ts';
import type { Client } from '../queue/client.ts';
import { Job, type JobContext } from '../queue/job.ts';
import type { Loose } from '../queue/types.ts';

export interface Listening {
  readonly onProgress: (value: unknown) => void;
  /** A write was refused: asks the store whether the lease holds all the same. */
  readonly stillHeld: () => Promise<boolean>;
  /** Rejects when the job is another's, or its attempt was told to stop. */
  readonly assertLease: () => Promise<void>;
}

/** The job as its processor and the listeners of its worker get it. */
export class RunningJob<Data = Loose, Result = Loose, Name extends string = string> extends Job<
  Data,
  Result,
  Name
> {
  readonly #listening: Listening;
  /** Null until the first: most processors write nothing. */
  #writes: Set<Promise<unknown>> | null = null;

  constructor(client: Client, record: JobRecord, context: JobContext, listening: Listening) {
    super(client, record, context);
    this.#listening = listening;
  }

  override updateProgress(value: unknown): Promise<void> {
    const write = this.#write(() => super.updateProgress(value));
    return this.#track(write.then(() => this.#listening.onProgress(value)));
  }

  override updateData(value: Data): Promise<void> {
    return this.#track(this.#write(() => super.updateData(value)));
  }

  override log(line: string): Promise<void> {
    return this.#track(this.#write(() => super.log(line)));
  }

  /** For the context of the processor. */
  assertLease(): Promise<void> {
    return this.#listening.assertLease();
  }

  get isWriting(): boolean {
    return this.#writes !== null && this.#writes.size > 0;
  }

  /**
   * When all writes so far are answered. Processors often do not wait for them; the end of the attempt must not
   * overtake them, or the fence would refuse them.
   */
  async written(): Promise<void> {
    while (this.isWriting) await Promise.allSettled(this.#writes ?? []);
  }

  /** The record as it is known here. Not for processors. */
  get snapshot(): JobRecord {
    return this.record;
  }

  /** What the end of the attempt changed, so that listeners need not read the job again. Not for processors. */
  ended(changes: Partial<JobRecord>): void {
    this.change(changes);
  }

  /**
   * The fence lets nothing through that comes too late. A lease that ran out in a pause, and that nobody has taken,
   * may be had again; if not, the attempt is told to stop by the time the write is refused.
   */
  async #write(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (!(error instanceof LeaseLostError) || !(await this.#listening.stillHeld())) throw error;
      await write();
    }
  }

  /** Handled here too, so that a refused write nobody waits for does not end the process. */
  #track<T>(write: Promise<T>): Promise<T> {
    const writes = this.#writes ?? new Set();
    this.#writes = writes;
    const over = (): void => void writes.delete(write);
    writes.add(write);
    write.then(over, over);
    return write;
  }
}
