import { expect, test } from 'vitest';
import { AttemptContext, type ContextParts } from './context.ts';

function contextOf(parts: { signal: AbortSignal; deadlineMs: number | null }): AttemptContext {
  const policy = { timeoutMs: parts.deadlineMs === null ? null : 60_000 };
  const job = { policy, token: 7, attempt: 2, isLastAttempt: true, log: async (line: string) => line };
  return new AttemptContext({ job, worker: 'w', ...parts } as unknown as ContextParts);
}

test('a context that is copied or taken apart has all that it had', async () => {
  const { signal } = new AbortController();
  const { log, ...rest } = { ...contextOf({ signal, deadlineMs: 50 }) };

  expect(rest).toMatchObject({ token: 7, attempt: 2, lastAttempt: true, workerId: 'w', deadlineMs: 50 });
  expect(rest.signal).toBe(signal);
  expect(await log('line')).toBe('line');
});

test('what a context knows later is asked for when it is read, by functions that all contexts share', () => {
  let made = 0;
  const parts = {
    deadlineMs: null,
    get signal() {
      made += 1;
      return new AbortController().signal;
    },
  };
  const job = { policy: { timeoutMs: null } } as ContextParts['job'];
  const one = new AttemptContext(Object.assign(Object.create(parts), { job, worker: 'w' }));
  const getterOf = (context: object): unknown => Object.getOwnPropertyDescriptor(context, 'signal')?.get;

  expect(made).toBe(0);
  expect(one.signal).toBeInstanceOf(AbortSignal);
  expect(made).toBe(1);
  expect(getterOf(one)).toBe(getterOf(contextOf({ signal: one.signal, deadlineMs: null })));
});
