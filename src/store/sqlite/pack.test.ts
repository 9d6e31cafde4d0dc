import { describe, expect, it } from 'vitest';
import type { JobRecord } from '../../job/record.ts';
import { errorOf, newJob } from '../../testing/conformance/support.ts';
import type { Claimed, CommitAnswer, Effect, Settlement } from '../store.ts';
import { packAnswer, packCall, unpackAnswer, unpackCall } from './pack.ts';
import type { Call } from './verbs.ts';

/** As it arrives on the other thread. */
function across<T extends { readonly cargo: Uint8Array }>(packed: T): T {
  return structuredClone(packed, { transfer: [packed.cargo.buffer as ArrayBuffer] });
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
    const answer: CommitAnswer = {
      settled: [{ outcome: 'ok', state: 'completed' }],
      claimed: [{ claimId: 'c', jobs, nextDueInMs: null, paused: false }],
    };

    expect(unpackAnswer('commit', across(packAnswer('commit', answer)))).toEqual(answer);
    expect(unpackAnswer('claim', across(packAnswer('claim', answer.claimed)))).toEqual(answer.claimed);
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
