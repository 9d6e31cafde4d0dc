import { describe, expect, it } from 'vitest';
import {
  checkHistory,
  History,
  type HistoryLine,
  recordAttempts,
  recordStore,
} from '../../src/history/index.ts';
import { Queue } from '../../src/queue/queue.ts';
import { FakeClock, memoryStore } from '../../src/testing/index.ts';
import { Worker } from '../../src/worker/worker.ts';

/** A store on a clock that stands still, and all that its history says. */
function recorded() {
  const clock = new FakeClock();
  const lines: HistoryLine[] = [];
  const history = new History({
    ...{ process: 'one', sink: (line) => lines.push(line) },
    times: { mono: () => clock.monotonic(), wall: () => clock.now() },
    head: { host: 'h', boot: 'b', pid: 1, store: 'memory' },
  });
  history.event('scope', { complete: true, faultsKnown: true });
  const inner = memoryStore({ clock });
  const store = recordStore(inner, history);
  return { clock, lines, history, inner, store, connection: { store, clock } };
}

const ops = (lines: readonly HistoryLine[], op: string): string[] =>
  lines.filter((line) => line.op === op).map(({ kind }) => kind);

describe('a recorded store', () => {
  it('tells every call and its end, and a whole run passes every check that can be made', async () => {
    const { clock, lines, history, store, connection } = recorded();
    const queue = new Queue('mail', { connection });
    const worker = new Worker(
      'mail',
      async (job, ctx) => {
        await ctx.log('begun');
        await job.updateProgress(50);
        if (job.name === 'bad' || (job.name === 'retry' && ctx.attempt === 1)) throw new Error('no');
      },
      { connection, telemetry: recordAttempts(history), concurrency: 3 },
    );
    for (const name of ['good', 'bad', 'retry']) {
      await queue.add(
        name,
        { to: 'ada' },
        { attempts: name === 'retry' ? 2 : 1, backoff: { type: 'fixed', delay: 500 } },
      );
    }
    await queue.add('later', {}, { delay: '1m' });
    for (let step = 0; step < 20; step += 1) await clock.advance(10_000);
    await worker.close();
    await queue.close();
    for await (const _ of store.dump());
    await store.verify();
    const report = checkHistory(lines, { ordered: true });

    expect(report.violations).toEqual([]);
    expect(report.figures).toMatchObject({
      jobsAcknowledged: 4,
      claims: 5,
      runs: 5,
      calls: { refused: 0, unknown: 0 },
    });
    const judged = new Map(report.made.map((made) => [made.check, made.judged]));
    for (const check of ['S1', 'S2', 'S6', 'S8', 'S9', 'S10', 'S11', 'S19', 'A1', 'A2'] as const) {
      expect([check, (judged.get(check) ?? 0) > 0]).toEqual([check, true]);
    }
  });

  it('keeps no payload, no result and no message of an error', async () => {
    const { clock, lines, history, connection } = recorded();
    const secret = 'hunter2';
    const queue = new Queue('mail', { connection });
    const worker = new Worker(
      'mail',
      (job) => {
        if (job.name === 'bad') throw new Error(secret);
        return { secret };
      },
      { connection, telemetry: recordAttempts(history) },
    );
    await queue.add('good', { secret });
    await queue.add('bad', { secret });
    for (let step = 0; step < 5; step += 1) await clock.advance(1_000);
    await worker.close();

    expect(lines.length).toBeGreaterThan(10);
    expect(JSON.stringify(lines)).not.toContain(secret);
  });

  it('tells a refusal from an outcome that nobody knows', async () => {
    const { lines, store, inner } = recorded();
    await expect(store.apply([{ op: 'discard', job: { queue: '', id: '' } }])).rejects.toThrow();
    await expect(store.claim(null as never)).rejects.toThrow();
    inner.renew = () => Promise.reject(new Error('the line is dead'));
    await expect(store.renew([], 1_000)).rejects.toThrow();

    expect(ops(lines, 'apply')).toEqual(['invoke', 'fail']);
    expect(ops(lines, 'claim')).toEqual(['invoke', 'fail']);
    expect(ops(lines, 'renew')).toEqual(['invoke', 'info']);
  });
});
