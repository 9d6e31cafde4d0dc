import { Listener, type Subscriber, type Subscription } from '../../listening/listener.ts';
import { systemClock, type Timer } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';
import type { Hint, Unwatch } from '../store.ts';
import type { Watchers } from '../watchers.ts';
import { Awaiting } from './awaiting.ts';
import { cutOff, loadDriver, type PgConnection, type PgDriver } from './driver.ts';
import type { Engine } from './engine.ts';
import { awaitedIn, hintOf, listenOn, NOTIFY, payloadOf } from './news.ts';
import { clientOptions } from './open.ts';

/** Rises with nearly everything that is written; read without a look at any table. */
const MARK = `
  select (select last_value from {s}.delta_number_seq) as delta, (select last_value from {s}.job_number) as job`;

/** A connection that is there costs little, making one every time a lot. */
const LINGER_MS = 10_000;
/** The look of those who hear nothing is the net; and a server has better things to do than to answer who listens. */
const PACE = { aliveMs: 15_000, answerMs: 5_000, firstBackoffMs: 100, maxBackoffMs: 5_000 };
/** A few people a day do what these tell of; whoever runs a job, or has its hands full, wants to know it too. */
const RARE: ReadonlySet<Hint['news']> = new Set(['cancel', 'settings']);
const SPREAD = `
  select (select pg_catalog.count(pg_catalog.pg_notify($1, payload)) from pg_catalog.unnest($2::text[]) payload),
    case when pg_catalog.cardinality($3::text[]) > 0 then {s}.wake_v1($3, 'ready')::text end,
    case when pg_catalog.cardinality($4::text[]) > 0 then {s}.wake_v1($4, 'ended')::text end`;

/** One for the whole process, and only while somebody watches. Real time: these are real connections. */
export class Ear {
  readonly #engine: Engine;
  readonly #watchers: Watchers;
  readonly #awaiting: Awaiting;
  #listener: Listener | null = null;
  #leaving: Timer | null = null;

  /** @param claimsFrom Whether somebody in this process works on the queue. */
  constructor(engine: Engine, watchers: Watchers, claimsFrom: (queue: string) => boolean) {
    this.#engine = engine;
    this.#watchers = watchers;
    const notify = (payloads: readonly string[]): Promise<void> => this.#notify(payloads);
    const look = (queues: readonly string[]): void =>
      watchers.tell(queues.map((queue) => ({ queue, news: 'unknown' })));
    this.#awaiting = new Awaiting({ clock: systemClock, notify, look, claimsFrom });
  }

  async watch(queues: readonly string[], onNews: (hint: Hint) => void): Promise<Unwatch> {
    const remove = this.#watchers.add(queues, onNews);
    this.#leaving?.cancel();
    this.#listener ??= this.#makeListener();
    await this.#listener.start();
    let isStill = true;
    if (this.isHearing) this.#awaiting.watching(queues, () => isStill);
    return () => {
      isStill = false;
      remove();
      if (this.#watchers.isEmpty) this.#leaveSoon();
    };
  }

  get isHearing(): boolean {
    return this.#listener?.isHearing ?? false;
  }

  /** Tells other processes, if they want to know. Beside the call whose news it is, which does not wait for it. */
  async spread(hints: readonly Hint[]): Promise<void> {
    const { place } = this.#engine;
    const payloads = hints.filter(({ news }) => RARE.has(news)).map(payloadOf);
    const queues = (news: Hint['news']): string[] =>
      hints.filter((hint) => hint.news === news).map(({ queue }) => queue);
    try {
      await this.#engine.call((db) =>
        db.run(SPREAD, place.schema, payloads, queues('ready'), queues('ended')),
      );
    } catch {
      // A hint that is lost costs latency.
    }
  }

  /** Told by the call itself where that knows who wants it; but who waits for results is known here alone. */
  ended(hints: readonly Hint[]): void {
    this.#awaiting.tell(hints);
  }

  async #notify(payloads: readonly string[]): Promise<void> {
    const { place } = this.#engine;
    try {
      await this.#engine.call((db) => db.run(SPREAD, place.schema, payloads, [], []));
    } catch {
      // A hint that is lost costs latency.
    }
  }

  #hear(payload: string): void {
    const awaited = awaitedIn(payload);
    if (awaited !== null) this.#awaiting.heard(awaited);
    const hint = hintOf(payload);
    if (hint !== null) this.#watchers.tell([hint]);
  }

  /** Who waits for one result often waits for another one soon after. */
  #leaveSoon(): void {
    this.#leaving?.cancel();
    const leave = (): void => {
      if (this.#watchers.isEmpty) void this.stop();
    };
    this.#leaving = systemClock.after(LINGER_MS, leave, { background: true });
  }

  async stop(): Promise<void> {
    this.#leaving?.cancel();
    this.#awaiting.stop();
    const listener = this.#listener;
    this.#listener = null;
    await listener?.stop();
  }

  #makeListener(): Listener {
    const { place } = this.#engine;
    return new Listener({
      subscribe: place.listen ? (subscriber) => subscribeTo(this.#engine, subscriber) : null,
      publish: (payload) =>
        this.#engine.call(async (db) => {
          await db.run(NOTIFY, place.schema, payload);
        }),
      mark: () => this.#engine.call(async (db) => JSON.stringify(await db.get<object>(MARK))),
      // A number may be drawn long before what was written with it can be seen.
      isMarkEarly: true,
      onMessage: (payload) => this.#hear(payload),
      onHearing: () => undefined,
      pace: PACE,
      watchers: this.#watchers,
      clock: systemClock,
      random: systemRandom,
    });
  }
}

async function subscribeTo(engine: Engine, { onMessage, onGone }: Subscriber): Promise<Subscription> {
  const connection = await connectTo(engine);
  connection.on('error', onGone);
  connection.on('end', onGone);
  connection.on('notification', ({ payload }) => onMessage(payload ?? ''));
  connection.unref?.();
  try {
    await connection.query({ text: listenOn(engine.place.schema) });
  } catch (error) {
    cutOff(connection);
    throw error;
  }
  return {
    ping: async () => {
      await connection.query({ text: 'select 1' });
    },
    cutOff: () => cutOff(connection),
  };
}

/** A pool of the application knows where it leads to, and with which driver. */
async function connectTo({ place }: Engine): Promise<PgConnection> {
  const { pool, listenUrl } = place;
  const given = Reflect.get(Object(pool), 'Client') as PgDriver['Client'] | undefined;
  const Client = given ?? (await loadDriver()).Client;
  const options =
    pool === null || listenUrl !== null ? clientOptions(place, listenUrl) : Reflect.get(pool, 'options');
  const connection = new Client({ connectionTimeoutMillis: 10_000, ...(options as object) });
  connection.on('error', () => undefined);
  await connection.connect();
  return connection;
}
