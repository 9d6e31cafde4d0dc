import { describe, expect, it } from 'vitest';
import type { JobRecord } from '../../job/record.ts';
import { errorOf, newJob } from '../../testing/conformance/support.ts';
import type { ClaimAnswer, Claimed, CommitAnswer, Effect, Settlement, SettleResult } from '../store.ts';
import type { Load } from './cargo.ts';
import type { FreshJobs } from './fresh.ts';
import { type CommitGrant, plainAnswer } from './grant.ts';
import { packAnswer, packCall, unpackAnswer, unpackCall } from './pack.ts';
import type { Call } from './verbs.ts';

/** As it arrives on the other thread. */
function across<T extends { readonly cargo: Load }>(packed: T): T {
  return structuredClone(packed, { transfer: [packed.cargo.hold.buffer as ArrayBuffer] });
}

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index % 251);
const callOf = (verb: Call['verb'], ...args: unknown[]): Call => ({ id: 1, verb, args, now: null });
const sent = (call: Call): Call => unpackCall(across(packCall(call)));

describe('what passes between the threads', () => {
  it('is the same on the other side: jobs with payloads of every size, among other effects', () => {
    const sizes = [0, 3, 4_096, 4_097, 70_000, 0, 1];
    const jobs = sizes.map((size, index) =>
      newJob({ id: `${index}`, body: bytes(size), headers: { a: index } }),
    );
    const effects: Effect[] = [
      { op: 'add', jobs },
      { op: 'progress', job: { queue: 'q', id: 'a' }, value: bytes(9) },
      { op: 'add', jobs: [newJob({ id: 'last', body: bytes(5), delayMs: 7, lifo: true, priority: 2 })] },
      { op: 'add', jobs: [] },
    ];
    const call = callOf('apply', effects, { requestId: 'r' });

    expect(sent(call)).toEqual(call);
  });

  it('is the same on the other side: ends of every kind', () => {
    const lease = { queue: 'q', id: 'a', token: 7 };
    const settlements: Settlement[] = [
      { lease, next: { to: 'completed', result: null }, mode: 'strict' },
      { lease, next: { to: 'completed', result: bytes(0) }, mode: 'lenient', traceId: 't' },
      { lease, next: { to: 'failed', error: errorOf('x'), cause: 'attempts-spent' }, mode: 'lenient' },
      {
        lease,
        next: { to: 'completed', result: bytes(5_000) },
        mode: 'strict',
        effects: [{ op: 'log', job: lease, lines: ['one'] }],
      },
      { lease, next: { to: 'completed', result: bytes(4) }, mode: 'strict' },
    ];
    const call = callOf('commit', settlements, [
      { claimId: 'c', queue: 'q', limit: 2, worker: 'w', leaseMs: null },
    ]);

    expect(sent(call)).toEqual(call);
  });

  it('is the same on the other side: claimed jobs', () => {
    const { body, contentType, headers, policy, priority, queue, name } = newJob({ body: bytes(12) });
    const job: JobRecord = {
      ...{
        body,
        contentType,
        headers,
        policy,
        priority,
        queue,
        name,
        id: 'a',
        state: 'active',
        rank: -3,
        addedAt: 1,
      },
      ...{
        dueAt: null,
        readyAt: 2,
        expiresAt: null,
        firstClaimedAt: 3,
        claimedAt: 4,
        finishedAt: null,
        generation: 2,
      },
      ...{ claims: 5, failures: 1, crashes: 2, token: 9, worker: 'w', progress: bytes(2), result: null },
      ...{
        error: errorOf('x'),
        cause: null,
        cancelReason: 'stop',
        origin: { queue: 'o', cause: 'redrive' as const, movedAt: 6 },
      },
    };
    const lease = { queue, id: 'a', token: 9 };
    const claimed: Claimed = { lease, job, waitedMs: 1, elapsedMs: 2, settled: false };
    const large: Claimed = { ...claimed, job: { ...job, body: bytes(9_999) }, settled: true };
    const jobs = [claimed, large, claimed];
    const settled: SettleResult[] = [{ outcome: 'ok', state: 'completed' }];
    const rest = { claimId: 'c', nextDueInMs: null, paused: false };
    const grant: CommitGrant = { settled, claimed: [{ ...rest, parts: [jobs] }] };
    const answer: CommitAnswer = { settled, claimed: [{ ...rest, jobs }] };

    expect(unpackAnswer('commit', across(packAnswer('commit', grant)))).toEqual(answer);
    expect(unpackAnswer('claim', across(packAnswer('claim', grant.claimed)))).toEqual(answer.claimed);
  });

  it('is the same as without a second thread: jobs that nobody has claimed yet, before others', () => {
    const sizes = [3, 0, 5_000];
    const tuples = sizes.map((size, index) => [
      ...[index, 'n', 5, null, null, `id-${index}`, 2, index, 4, null, 'text/plain', '{"a":"ü"}', '{}', null],
      size,
    ]);
    const fresh: FreshJobs = {
      ...{ queue: 'q', worker: 'w', claimedAt: 9, firstToken: 7 },
      text: JSON.stringify(tuples),
      bodies: sizes.map(bytes),
    };
    const grants = [{ claimId: 'c', nextDueInMs: 1, paused: false, parts: [fresh, []] }];

    const [answer] = unpackAnswer('claim', across(packAnswer('claim', grants))) as ClaimAnswer[];

    expect([answer]).toEqual(
      plainAnswer('claim', [{ ...grants[0], parts: [{ ...fresh, bodies: sizes.map(bytes) }] }]),
    );
    expect(answer?.jobs[2]).toMatchObject({
      lease: { queue: 'q', id: 'id-2', token: 9 },
      job: { id: 'id-2', state: 'active', body: bytes(5_000), headers: { a: 'ü' }, claims: 1, worker: 'w' },
      waitedMs: 4,
    });
  });

  it('is left alone when it is anything else', () => {
    const call = callOf('renew', [{ queue: 'q', id: 'a', token: 1 }], 10);

    expect(sent(call)).toEqual(call);
    expect(unpackAnswer('job', across(packAnswer('job', null)))).toBeNull();
    expect(unpackAnswer(null, across(packAnswer(null, [1])))).toEqual([1]);
  });

  it('does not keep a large payload alive with a small one', () => {
    const [effect] = sent(
      callOf('apply', [{ op: 'add', jobs: [newJob({ body: bytes(3) }), newJob({ body: bytes(70_000) })] }]),
    ).args[0] as [Extract<Effect, { op: 'add' }>];

    expect(effect.jobs.map(({ body }) => body.buffer.byteLength)).toEqual([3, 70_000]);
  });
});
