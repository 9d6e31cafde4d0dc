import { UnsupportedError } from '../../errors.ts';
import type { Duration } from '../../job/duration.ts';
import { encodeJson } from '../../job/payload.ts';
import type { AttemptRecord, JobState, LogLine } from '../../job/record.ts';
import { JobView } from '../../queue/job-view.ts';
import type { Answer, Method, Run } from './messages.ts';

type Done = Extract<Answer, { readonly value: unknown }>;

/** Has the parent do it; rejects as it did there. */
export type CallParent = (method: Method, args: readonly unknown[]) => Promise<Done>;

/**
 * The job as a processor in a child gets it: the fields and methods of `Job`. What needs the store is done by the
 * parent, under the lease that it holds. It is a class of its own, and not `Job`, to load less.
 */
export class ChildJob extends JobView {
  /** As in every processor: the job was there before. */
  readonly created: boolean = true;
  readonly #call: CallParent;
  readonly #maxBytes: number;

  constructor({ record, maxPayloadBytes }: Run, call: CallParent) {
    super(record);
    this.#call = call;
    this.#maxBytes = maxPayloadBytes;
  }

  /** For the context of the processor. */
  async assertLease(): Promise<void> {
    await this.#ask('assertLease');
  }

  async refresh(): Promise<this> {
    await this.#ask('refresh');
    return this;
  }

  override async getState(): Promise<JobState | 'unknown'> {
    return (await this.#ask('getState')) as JobState | 'unknown';
  }

  /** Encoded here: what is no JSON has to be refused, and the border would bend it in ways of its own. */
  updateProgress(value: unknown): Promise<void> {
    return this.#write('updateProgress', () => encodeJson(value, 'progress', { maxBytes: this.#maxBytes }));
  }

  updateData(value: unknown): Promise<void> {
    return this.#write('updateData', () => encodeJson(value, 'data', { maxBytes: this.#maxBytes }));
  }

  log(line: string): Promise<void> {
    return this.#write('log', () => String(line));
  }

  async getLogs(options: { readonly after?: number; readonly limit?: number } = {}): Promise<LogLine[]> {
    return (await this.#ask('getLogs', options)) as LogLine[];
  }

  async attempts(): Promise<AttemptRecord[]> {
    return (await this.#ask('attempts')) as AttemptRecord[];
  }

  async cancel(reason = 'cancelled by request'): Promise<void> {
    await this.#ask('cancel', String(reason));
  }

  retry(): Promise<void> {
    return this.redrive();
  }

  async redrive(options: { readonly toQueue?: string } = {}): Promise<void> {
    await this.#ask('redrive', options);
  }

  async promote(): Promise<void> {
    await this.#ask('promote');
  }

  async changeDelay(delay: Duration): Promise<void> {
    await this.#ask('changeDelay', delay);
  }

  async changePriority(options: { readonly priority?: number; readonly lifo?: boolean }): Promise<void> {
    await this.#ask('changePriority', options);
  }

  async remove(): Promise<void> {
    await this.#ask('remove');
  }

  /** @throws UnsupportedError always: the result that it would wait for is the one that this run makes. */
  async result(): Promise<never> {
    throw new UnsupportedError(
      `the processor of job "${this.id}" cannot wait for its own result. For that of another job use ` +
        'queue.getJob() on a Queue that you open in the processor.',
    );
  }

  /** A write that nobody waits for and that is refused must not end the process: as in a processor in process. */
  #write(method: Method, encode: () => unknown): Promise<void> {
    const written = this.#encodeAndAsk(method, encode);
    written.catch(() => {});
    return written;
  }

  async #encodeAndAsk(method: Method, encode: () => unknown): Promise<void> {
    await this.#ask(method, encode());
  }

  async #ask(method: Method, ...args: unknown[]): Promise<unknown> {
    const { value, record } = await this.#call(method, args);
    this.replace(record);
    return value;
  }
}
