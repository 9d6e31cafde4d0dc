import type { JobRecord } from '../job/record.ts';
import type { Client } from '../queue/client.ts';
import { Job, type JobContext } from '../queue/job.ts';
import type { Loose } from '../queue/types.ts';

/** The job as its processor and the listeners of its worker get it. */
export class RunningJob<Data = Loose, Result = Loose, Name extends string = string> extends Job<
  Data,
  Result,
  Name
> {
  readonly #onProgress: (value: unknown) => void;
  /** Null until the first: most processors write nothing. */
  #writes: Set<Promise<unknown>> | null = null;

  constructor(client: Client, record: JobRecord, context: JobContext, onProgress: (value: unknown) => void) {
    super(client, record, context);
    this.#onProgress = onProgress;
  }

  override updateProgress(value: unknown): Promise<void> {
    return this.#track(super.updateProgress(value).then(() => this.#onProgress(value)));
  }

  override updateData(value: Data): Promise<void> {
    return this.#track(super.updateData(value));
  }

  override log(line: string): Promise<void> {
    return this.#track(super.log(line));
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
