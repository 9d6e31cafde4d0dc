import { describe, expect, it } from 'vitest';
import { StoreUnavailableError } from '../../errors.ts';
import { newJob, session } from '../../testing/conformance/support.ts';
import type { Hint } from '../store.ts';
import { EngineClient } from './engine-client.ts';
import type { Link, MakeLink, Port } from './engine-link.ts';
import type { Request } from './engine-thread.ts';

/** An engine that answers when it is told to. */
interface FakeEngine {
  readonly requests: Request[];
  readonly holds: boolean[];
  readonly port: Port;
  isClosed: boolean;
}

function fakeEngines(): { engines: FakeEngine[]; makeLink: MakeLink } {
  const engines: FakeEngine[] = [];
  const makeLink: MakeLink = (_options, port): Link => {
    const engine: FakeEngine = { requests: [], holds: [], port, isClosed: false };
    engines.push(engine);
    return {
      send: (request) => engine.requests.push(request),
      hold: (on) => engine.holds.push(on),
      close: async () => {
        engine.isClosed = true;
      },
    };
  };
  return { engines, makeLink };
}

const idsOf = ({ requests }: FakeEngine): number[] =>
  requests.flatMap((request) => {
    if (request.kind === 'call') return [request.call.id];
    return request.kind === 'ask' ? [request.id] : [];
  });

function answerAll(engine: FakeEngine, value: unknown): void {
  for (const id of idsOf(engine)) engine.port.answered(id, { value });
}

describe('the client of an engine', () => {
  it('starts the engine with the first call, and once', async () => {
    const { engines, makeLink } = fakeEngines();
    const client = new EngineClient('x.db', 'thread', makeLink);
    expect(engines).toHaveLength(0);

    const answers = [client.call('queues', [], null), client.call('sessions', [], null)];
    answerAll(engines[0] as FakeEngine, 'yes');

    expect(await Promise.all(answers)).toEqual(['yes', 'yes']);
    expect(engines).toHaveLength(1);
  });

  it('keeps the process alive only while answers are due', async () => {
    const { engines, makeLink } = fakeEngines();
    const client = new EngineClient('x.db', 'thread', makeLink);
    const first = client.call('queues', [], null);
    const second = client.call('queues', [], null);
    const [engine] = engines as [FakeEngine];
    const [one = 0, two = 0] = idsOf(engine);
    expect(engine.holds).toEqual([true]);

    engine.port.answered(one, { value: 1 });
    expect(engine.holds).toEqual([true]);
    engine.port.answered(two, { value: 2 });

    expect(engine.holds).toEqual([true, false]);
    expect(await Promise.all([first, second])).toEqual([1, 2]);
  });

  it('says that the outcome is unknown when the engine breaks, and starts another for the next call', async () => {
    const { engines, makeLink } = fakeEngines();
    const client = new EngineClient('x.db', 'thread', makeLink);
    const lost = client.call('apply', [[]], null);

    engines[0]?.port.broke(new Error('out of memory'));

    await expect(lost).rejects.toThrow(StoreUnavailableError);
    await expect(lost).rejects.toThrow(/out of memory.*not known whether/s);
    const next = client.call('queues', [], null);
    answerAll(engines[1] as FakeEngine, 'again');
    expect(await next).toBe('again');
  });

  it('tells watchers to look when the engine broke, and watches with the next one', async () => {
    const { engines, makeLink } = fakeEngines();
    const client = new EngineClient('x.db', 'thread', makeLink);
    const told: Hint[] = [];
    const watching = client.watch(['mail'], (hint) => told.push(hint));
    answerAll(engines[0] as FakeEngine, {});
    await watching;

    engines[0]?.port.broke(new Error('out of memory'));
    await Promise.resolve();
    expect(told).toEqual([{ queue: 'mail', news: 'unknown' }]);
    // An engine that cannot start is not started again and again by itself.
    expect(engines).toHaveLength(1);

    const looking = client.call('queues', [], null);
    expect(engines[1]?.requests[0]).toEqual({ kind: 'watch', on: true });
    answerAll(engines[1] as FakeEngine, []);
    await looking;
  });

  it('lets nobody wait for long reads: they have a connection of their own', async () => {
    const { engines, makeLink } = fakeEngines();
    const client = new EngineClient('x.db', 'thread', makeLink, (verb) => verb === 'find');
    const search = client.call('find', [{}, { cursor: null, limit: 1 }], null);
    const claim = client.call('claim', [[]], null);
    const [reader, writer] = engines as [FakeEngine, FakeEngine];

    answerAll(writer, 'claimed');
    expect(await claim).toBe('claimed');
    answerAll(reader, 'found');
    expect(await search).toBe('found');

    await client.close();
    expect([reader.isClosed, writer.isClosed]).toEqual([true, true]);
  });

  it('does not wait for a call that could not be sent', async () => {
    const makeLink: MakeLink = () => ({
      send: () => {
        throw new RangeError('could not be cloned');
      },
      hold: () => undefined,
      close: async () => undefined,
    });
    const client = new EngineClient('x.db', 'thread', makeLink);

    await expect(client.call('queues', [], null)).rejects.toThrow(/could not be cloned/);
    await client.close();
  });

  it('tells each watcher the news of its queues, until it has had enough', async () => {
    const { engines, makeLink } = fakeEngines();
    const client = new EngineClient('x.db', 'thread', makeLink);
    const some: Hint[] = [];
    const all: Hint[] = [];
    const watching = [
      client.watch(['mail'], (hint) => some.push(hint)),
      client.watch([], (hint) => all.push(hint)),
    ];
    const [engine] = engines as [FakeEngine];
    answerAll(engine, {});
    const [unwatchSome, unwatchAll] = await Promise.all(watching);
    const news: Hint[] = [
      { queue: 'mail', news: 'ready' },
      { queue: 'other', news: 'ended' },
    ];

    engine.port.told(news);
    await Promise.resolve();
    unwatchSome?.();
    engine.port.told(null);
    await Promise.resolve();

    expect(some).toEqual([news[0]]);
    expect(all).toEqual([...news, { queue: '', news: 'unknown' }]);
    unwatchAll?.();
    expect(engine.requests.filter(({ kind }) => kind === 'watch')).toEqual([
      { kind: 'watch', on: true },
      { kind: 'watch', on: false },
    ]);
  });

  it('closes the engine when the last answer is in', async () => {
    const { engines, makeLink } = fakeEngines();
    const client = new EngineClient('x.db', 'thread', makeLink);
    const call = client.call('queues', [], null);
    const [engine] = engines as [FakeEngine];

    const closing = client.close();
    await Promise.resolve();
    expect(engine.isClosed).toBe(false);
    answerAll(engine, 'done');

    await closing;
    expect(await call).toBe('done');
    expect(engine.isClosed).toBe(true);
  });

  it('has sessions beaten by the engine, and by the next one when it breaks, until they are dropped', async () => {
    const { engines, makeLink } = fakeEngines();
    const client = new EngineClient('x.db', 'thread', makeLink);
    const missed: string[] = [];
    const keep = (id: string): void =>
      client.keep({
        ...{ session: session({ id }), maxBlockMs: 1_000, sheet: new SharedArrayBuffer(56) },
        onFault: (error) => missed.push(`${id}: ${error.message}`),
      });
    const beaten = ({ requests }: FakeEngine): string[] =>
      requests.flatMap((request) => {
        if (request.kind === 'keep') return [`keep ${request.pulsed.session.id}`];
        return request.kind === 'drop' ? [`drop ${request.session}`] : [];
      });
    keep('a');
    keep('b');
    client.drop('b');
    client.drop('never');
    const [first] = engines as [FakeEngine];
    expect(beaten(first)).toEqual(['keep a', 'keep b', 'drop b']);
    first.port.missed(['a', 'b'], new Error('away'));
    expect(missed).toEqual(['a: away']);

    first.port.broke(new Error('gone'));
    void client.call('queues', [], null).catch(() => undefined);

    expect(beaten(engines[1] as FakeEngine)).toEqual(['keep a']);
  });

  it('tells its watchers of jobs that can run when it sends them, so that claims come right behind', async () => {
    const { engines, makeLink } = fakeEngines();
    const client = new EngineClient('x.db', 'thread', makeLink);
    const add = (delayMs: number): unknown[] => [[{ op: 'add', jobs: [newJob({ id: 'a', delayMs })] }]];
    const isForetold = (): (boolean | undefined)[] =>
      engines.flatMap(({ requests }) =>
        requests.flatMap((request) => (request.kind === 'call' ? [request.call.foretold] : [])),
      );
    void client.call('apply', add(0), null);
    const told: Hint[] = [];
    const watching = client.watch(['orders'], (hint) => told.push(hint));
    answerAll(engines[0] as FakeEngine, 'yes');
    await watching;
    void client.call('apply', add(50), null);
    void client.call('apply', add(0), null);
    expect(told).toEqual([]);
    await Promise.resolve();

    expect(told).toEqual([{ queue: 'orders', news: 'coming' }]);
    expect(isForetold()).toEqual([undefined, undefined, true]);
  });
});
