import { type Connection, connect, type SharedStore } from '../connect.ts';
import { ClosedError } from '../errors.ts';
import { checkQueue } from '../job/check.ts';
import { anything, shape, whole } from '../job/option-rules.ts';
import { Problems } from '../job/problems.ts';
import { Deferred } from '../runtime/deferred.ts';
import { asError, Emitter, type Listener } from '../runtime/emitter.ts';
import { printUnheard } from '../telemetry/print-unheard.ts';
import { type Client, clientFor } from './client.ts';
import { followFeed } from './follow-feed.ts';
import { type AnyQueueEvent, eventOf, type QueueEventsMap } from './queue-event.ts';

export interface QueueEventsOptions {
  /** URL or open store. @default the environment's `MILLRACE_URL`, else `sqlite:./.millrace/millrace.db` */
  readonly connection?: Connection | undefined;
  /** Cursor of the last event that was seen. @default from now on */
  readonly after?: number;
}

const RULES = { connection: anything, after: whole({ min: 0, max: Number.MAX_SAFE_INTEGER }) };

/**
 * What happens to the jobs of a queue, in whatever process. Listening begins with the first listener, or with
 * `waitUntilReady`; the process stays alive until `close`.
 *
 * The same events come from `for await (const event of events)`, one by one, at the pace of the loop. Use one of
 * the two ways on one object.
 *
 * @example
 * const events = new QueueEvents('emails');
 * events.on('completed', ({ jobId, returnvalue }) => console.log(jobId, returnvalue));
 */
export class QueueEvents extends Emitter<QueueEventsMap> {
  readonly name: string;
  readonly #shared: SharedStore;
  readonly #client: Client;
  readonly #stop = new AbortController();
  #ready = new Deferred();
  #cursor: number | null;
  /** From where on somebody waits who has not begun to listen: `waitUntilReady` has no listener of its own. */
  #awaited: number | null = null;
  #isHeard = false;
  #loop: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  /**
   * @throws InvalidOptionError with everything that is wrong with the name and the options.
   */
  constructor(name: string, options: QueueEventsOptions = {}) {
    super((error) => printUnheard(`QueueEvents of "${name}"`, error));
    const problems = new Problems();
    checkQueue(problems, 'name', name);
    shape(RULES)(problems, 'options', options);
    problems.throwIfAny(`new QueueEvents(${JSON.stringify(name)})`);
    this.name = name;
    this.#cursor = options.after ?? null;
    this.#shared = connect(options.connection);
    this.#client = clientFor(this.#shared);
  }

  /** Of the last event told; pass it as `after` to another QueueEvents to go on from there. Null before the start. */
  get cursor(): number | null {
    return this.#cursor;
  }

  override on<E extends keyof QueueEventsMap>(event: E, listener: Listener<QueueEventsMap[E]>): this {
    this.#start(event);
    return super.on(event, listener);
  }

  override once<E extends keyof QueueEventsMap>(event: E, listener: Listener<QueueEventsMap[E]>): this {
    this.#start(event);
    return super.once(event, listener);
  }

  /** When this has resolved, whatever happens from then on is told. */
  async waitUntilReady(): Promise<void> {
    if (this.#closing !== null) throw new ClosedError(`QueueEvents of "${this.name}"`);
    this.#begin();
    await this.#ready.promise;
    if (!this.#isHeard) this.#awaited ??= this.#cursor;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<AnyQueueEvent> {
    const after = this.#awaited ?? this.#cursor;
    this.#awaited = null;
    for await (const event of this.#follow(after)) {
      yield event;
      this.#cursor = event.cursor;
    }
  }

  /** Safe to call twice. Loops over the events end. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #start(event: keyof QueueEventsMap): void {
    if (event === 'error' || this.#closing !== null) return;
    this.#isHeard = true;
    this.#awaited = null;
    this.#begin();
  }

  #begin(): void {
    if (this.#loop !== null) return;
    this.#ready = new Deferred();
    this.#loop = this.#tell();
  }

  /** Never rejects: what cannot go on is told as 'error'. */
  async #tell(): Promise<void> {
    try {
      for await (const event of this.#follow(this.#cursor)) {
        this.#cursor = event.cursor;
        this.emit(event.kind, ...([event] as never));
      }
    } catch (thrown) {
      const error = asError(thrown);
      this.#loop = null;
      this.#ready.reject(error);
      if (!(error instanceof ClosedError)) this.emit('error', error);
    }
  }

  async *#follow(after: number | null): AsyncGenerator<AnyQueueEvent> {
    const followed = followFeed(this.#client, {
      queue: this.name,
      after,
      signal: this.#stop.signal,
      onPage: (cursor) => {
        this.#cursor = cursor;
        this.#ready.resolve();
      },
      onTrouble: (error) => {
        this.emit('error', error);
      },
    });
    for await (const news of followed) {
      if ('change' in news) yield eventOf(news.change);
      else yield { kind: 'gap', queueName: this.name, cursor: news.gap };
    }
  }

  async #end(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await this.#shared.release();
  }
}
