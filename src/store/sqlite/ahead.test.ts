import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StoreUnavailableError } from '../../errors.ts';
import { newJob, session } from '../../testing/conformance/support.ts';
import type { ClaimAnswer, ClaimRequest } from '../store.ts';
import { Checkpointer } from './checkpoint.ts';
import { Database } from './database.ts';
import { type Batch, Engine, type Reply } from './engine.ts';
import { plainAnswer } from './grant.ts';
import { LogFlush } from './log-flush.ts';
import type { Call, VerbName } from './verbs.ts';

const LEASE_MS = 30_000;
let lastId = 0;
const call = (verb: VerbName, ...args: unknown[]): Call => {
  lastId += 1;
  return { id: lastId, verb, args, now: null };
};
const addCall = (id: string): Call => call('apply', [{ op: 'add', jobs: [newJob({ id })] }]);
const claimCall = (over: Partial<ClaimRequest> = {}): Call =>
  call('claim', [
    { claimId: `c${lastId}`, queue: 'orders', limit: 1, worker: 'w', leaseMs: LEASE_MS, ...over },
  ]);
const configureCall = (patch: object): Call => call('apply', [{ op: 'configure', queue: 'orders', patch }]);
const answerOf = (reply: Reply | undefined): unknown => (reply && 'value' in reply ? reply.value : undefined);
const failureOf = (reply: Reply | undefined): unknown =>
  reply && 'error' in reply ? reply.error : undefined;
const jobsOf = (reply: Reply | undefined): string[] =>
  (plainAnswer('claim', answerOf(reply)) as ClaimAnswer[]).flatMap(({ jobs }) =>
    jobs.map(({ job }) => job.id),
  );

describe('what goes ahead of the disk', () => {
  let directory: string;
  let engine: Engine;
  /** In their order: the verbs that were answered, flushes apart from a commit, and commits by whether they flush. */
  let events: string[];
  let level = 2;
  let brokenFlushes = 0;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-'));
    engine = new Engine({ path: join(directory, 'x.db'), patienceMs: 20 });
    engine.run([addCall('first')]);
    [events, level, brokenFlushes] = [[], 1, 0];
    const { flush } = LogFlush.prototype;
    vi.spyOn(LogFlush.prototype, 'flush').mockImplementation(function (this: LogFlush) {
      if (brokenFlushes-- > 0) throw Object.assign(new Error('disk I/O error'), { errcode: 1034 });
      flush.call(this);
      events.push('flush');
    });
    const { exec } = Database.prototype;
    vi.spyOn(Database.prototype, 'exec').mockImplementation(function (this: Database, sql: string) {
      exec.call(this, sql);
      const [, set] = /^pragma synchronous = (\d)/.exec(sql) ?? [];
      if (set !== undefined) level = Number(set);
      if (sql === 'commit') events.push(level === 2 ? 'commit and flush' : 'commit');
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    engine.close();
    rmSync(directory, { recursive: true });
  });

  /** As the thread runs them. `later`: what comes while they run. */
  function run(calls: readonly Call[], later: readonly Call[] = []): Map<number, Reply> {
    const verbs = new Map([...calls, ...later].map(({ id, verb }) => [id, verb]));
    const replies = new Map<number, Reply>();
    const tell = (batch: Batch): void => {
      for (const reply of batch.replies) {
        events.push(`answer ${verbs.get(reply.id)}`);
        replies.set(reply.id, reply);
      }
    };
    tell(engine.run(calls, { more: () => later, ahead: tell }));
    return replies;
  }

  it('answers a claim before the disk has it, and brings it there soon', () => {
    const claim = claimCall();
    const replies = run([claim]);

    expect(jobsOf(replies.get(claim.id))).toEqual(['first']);
    expect(events).toEqual(['commit', 'answer claim']);
    expect(engine.isBehind).toBe(true);
    engine.catchUp();
    engine.catchUp();
    expect(events).toEqual(['commit', 'answer claim', 'flush']);
    expect(engine.isBehind).toBe(false);
  });

  it('leaves to the next flush what went ahead', () => {
    run([claimCall(), call('beat', [session({ id: 'w' })])]);
    run([configureCall({ objectiveMs: 1 })]);
    engine.catchUp();

    expect(events.slice(3)).toEqual(['commit and flush', 'answer apply']);
  });

  it('is ready for the next claim a moment after something that was flushed', () => {
    run([configureCall({ objectiveMs: 1 })]);
    expect(engine.isBehind).toBe(true);
    engine.catchUp();

    expect(engine.isBehind).toBe(false);
    expect([level, events]).toEqual([1, ['commit and flush', 'answer apply']]);
  });

  it('has nothing to bring to the disk after a claim that found nothing', () => {
    run([claimCall({ queue: 'unknown' })]);

    expect(engine.isBehind).toBe(false);
  });

  it('answers an add when it is on the disk, and the claim behind it before', () => {
    const claim = claimCall({ limit: 5 });
    const replies = run([addCall('second')], [claim]);

    expect(jobsOf(replies.get(claim.id))).toEqual(['first', 'second']);
    expect(events).toEqual(['commit', 'answer claim', 'flush', 'answer apply']);
    expect(engine.isBehind).toBe(false);
  });

  it('answers all by and by, also to one who waits for all of them', () => {
    const calls = [addCall('second'), claimCall({ limit: 5 })];
    const { replies } = engine.run(calls);

    expect(replies.map(({ id }) => id).sort()).toEqual(calls.map(({ id }) => id).sort());
  });

  it.each([
    ['the end of an attempt', () => call('commit', [])],
    ['a move', () => call('apply', [{ op: 'cancel', job: { queue: 'orders', id: 'first' }, reason: 'no' }])],
    ['an add among other effects', () => call('apply', addAndConfigure())],
    ['the end of a session', () => call('endSession', 'w')],
    ['upkeep', () => call('upkeep', UPKEEP)],
  ])('lets nobody see %s before it is on the disk', (_what, makeCall) => {
    const other = makeCall();
    run([claimCall(), other]);

    expect(events).toEqual(['commit and flush', 'answer claim', `answer ${other.verb}`]);
  });

  it('answers a call that joins the others when it is on the disk', () => {
    run([claimCall()], [configureCall({ objectiveMs: 1 })]);

    expect(events).toEqual(['commit', 'answer claim', 'flush', 'answer apply']);
  });

  it('gives out no job that is delivered at most once before the disk knows that it is completed', () => {
    run([configureCall({ delivery: 'at-most-once' })]);
    events = [];
    const claim = claimCall();

    expect(jobsOf(run([claim]).get(claim.id))).toEqual(['first']);
    expect(events).toEqual(['commit', 'flush', 'answer claim']);
  });

  it('says of an add that could not be flushed that it is not known, and then makes all of it sure', () => {
    const secure = vi.spyOn(Checkpointer.prototype, 'secure');
    brokenFlushes = 1;
    const [add, claim] = [addCall('second'), claimCall()];
    const replies = run([add, claim]);

    expect(failureOf(replies.get(add.id))).toBeInstanceOf(StoreUnavailableError);
    expect(jobsOf(replies.get(claim.id))).toEqual(['first']);
    expect(secure).not.toHaveBeenCalled();
    run([claimCall()]);
    expect(secure).toHaveBeenCalledOnce();
  });

  it('makes all of it sure when what went ahead could not be flushed', () => {
    const secure = vi.spyOn(Checkpointer.prototype, 'secure');
    run([claimCall()]);
    brokenFlushes = 1;
    engine.catchUp();
    expect(secure).not.toHaveBeenCalled();
    run([call('queues')]);

    expect(secure).toHaveBeenCalledOnce();
  });
});

const UPKEEP = { holder: 'leader', leaderLeaseMs: 10_000, limit: 100, reclaim: true };
const addAndConfigure = (): object[] => [
  { op: 'add', jobs: [newJob({ id: 'more' })] },
  { op: 'configure', queue: 'orders', patch: { objectiveMs: 1 } },
];
