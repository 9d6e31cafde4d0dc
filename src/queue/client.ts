import type { SharedStore } from '../connect.ts';
import type { QueueSettings } from '../job/queue-settings.ts';
import type { Clock } from '../runtime/clock.ts';
import { type MakeId, uuid7 } from '../runtime/ids.ts';
import type { Random } from '../runtime/random.ts';
import type {
  AddOutcome,
  ApplyOptions,
  Effect,
  Hint,
  MoveOp,
  MoveOutcome,
  Store,
  Swept,
} from '../store/store.ts';
import { Batcher } from './batcher.ts';
import { News } from './news.ts';

/** What a store answers to each effect. */
interface Answers extends Record<MoveOp, MoveOutcome> {
  readonly add: { readonly jobs: readonly AddOutcome[] };
  readonly configure: { readonly settings: QueueSettings };
  readonly drain: Swept;
  readonly obliterate: Swept;
  readonly 'start-operation': { readonly outcome: 'ok' | 'gone' };
  readonly 'abort-operation': { readonly outcome: 'ok' | 'gone' };
}
export type AnswerTo<E extends Effect> = Answers[E['op']];

/** What all queues and workers of one store in this process share: its calls, its hints, its clock. */
export class Client {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly makeId: MakeId;
  /** Id under which this process is known to the store. */
  readonly session: string;
  readonly #batcher: Batcher;
  readonly #news: News;

  constructor({ store, clock, random }: Pick<SharedStore, 'store' | 'clock' | 'random'>) {
    this.store = store;
    this.clock = clock;
    this.random = random;
    this.makeId = uuid7(clock, random);
    this.session = this.makeId();
    this.#batcher = new Batcher(this);
    this.#news = new News(store);
  }

  /** Together with what others want at the same time; see `Batcher`. */
  apply<E extends Effect>(effect: E): Promise<AnswerTo<E>> {
    return this.#batcher.send(effect) as Promise<unknown> as Promise<AnswerTo<E>>;
  }

  /** On its own: inside the caller's transaction, or on behalf of a person. */
  async applyAlone<E extends Effect>(effect: E, options: ApplyOptions): Promise<AnswerTo<E>> {
    const [answer] = await this.store.apply([effect], options);
    return answer as unknown as AnswerTo<E>;
  }

  /** Hints of one queue. Resolves when they flow; never rejects. */
  watch(queue: string, onNews: (hint: Hint) => void): Promise<() => void> {
    return this.#news.watch(queue, onNews);
  }

  /** When all calls made so far are answered. */
  drained(): Promise<void> {
    return this.#batcher.drained();
  }
}

const clients = new WeakMap<Store, Client>();

/** The one client of a store; the clock and randomness are those of whoever came first. */
export function clientFor(shared: Pick<SharedStore, 'store' | 'clock' | 'random'>): Client {
  const known = clients.get(shared.store);
  if (known !== undefined) return known;
  const client = new Client(shared);
  clients.set(shared.store, client);
  return client;
}
