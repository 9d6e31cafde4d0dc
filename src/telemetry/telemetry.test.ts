import { expect, test, vi } from 'vitest';
import type { AttemptInfo, ClaimEvent } from './hooks.ts';
import { printUnheard } from './print-unheard.ts';
import { Telemetry } from './telemetry.ts';
import { traceContextOf } from './trace-context.ts';

const CLAIM: ClaimEvent = { queue: 'mail', worker: 'w', asked: 5, got: 2, settled: 1, tookMs: 3 };
const ATTEMPT = { queue: 'mail', jobId: '1' } as AttemptInfo;

test('a hook gets its event, others are left alone', () => {
  const heard: unknown[] = [];
  const telemetry = new Telemetry({ onClaim: (event) => heard.push(event) });

  telemetry.tell('onClaim', CLAIM);
  telemetry.tell('onAttemptStart', ATTEMPT);

  expect(heard).toEqual([CLAIM]);
});

test('a hook keeps its this', () => {
  class Counter {
    claims = 0;
    onClaim(event: ClaimEvent): void {
      this.claims += event.got;
    }
  }
  const counter = new Counter();

  new Telemetry(counter).tell('onClaim', CLAIM);

  expect(counter.claims).toBe(2);
});

test('a hook that throws or rejects hinders nothing and is printed', async () => {
  const printed: string[] = [];
  const stderr = vi
    .spyOn(process.stderr, 'write')
    .mockImplementation((text) => printed.push(String(text)) > 0);
  const telemetry = new Telemetry({
    onClaim: () => {
      throw new Error('hook broke 1');
    },
    onAttemptStart: async () => {
      throw new Error('hook broke 2');
    },
  });

  telemetry.tell('onClaim', CLAIM);
  telemetry.tell('onAttemptStart', ATTEMPT);
  await Promise.resolve();
  stderr.mockRestore();

  expect(printed.join('')).toMatch(
    /hook onClaim: Error: hook broke 1.*hook onAttemptStart: Error: hook broke 2/s,
  );
});

test('unheard errors go to their hook, and to standard error without one', () => {
  const heard: unknown[] = [];
  const error = new Error('nobody listens to me');
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);

  new Telemetry({ onUnheardError: (event) => heard.push(event) }).unheard('worker', error);
  expect(stderr).not.toHaveBeenCalled();
  new Telemetry().unheard('worker', error);

  expect(heard).toEqual([{ source: 'worker', error }]);
  expect(stderr).toHaveBeenCalledOnce();
  stderr.mockRestore();
});

test('an unheard error is printed once for each distinct message', () => {
  const lines: string[] = [];
  const write = (line: string): void => {
    lines.push(line);
  };

  for (const message of ['a', 'a', 'b', 'a'])
    printUnheard('somewhere', new Error(`message ${message}`), write);

  expect(lines).toHaveLength(2);
  expect(lines[0]).toContain('millrace: somewhere: Error: message a\n');
});

test('ever new messages do not fill the memory', () => {
  let lines = 0;
  const count = (): void => {
    lines++;
  };
  for (let round = 0; round < 300; round++) printUnheard('flood', new Error(`number ${round}`), count);
  printUnheard('flood', new Error('number 299'), count);
  printUnheard('flood', new Error('number 0'), count);

  expect(lines).toBe(301);
});

test('aroundAttempt surrounds the run and gives its answer through', async () => {
  const steps: string[] = [];
  const telemetry = new Telemetry({
    aroundAttempt: async (attempt, run) => {
      steps.push(`open ${attempt.jobId}`);
      const answer = await run();
      steps.push('close');
      return answer;
    },
  });

  const answer = await telemetry.around(ATTEMPT, async () => steps.push('run'));

  expect(answer).toBe(2);
  expect(steps).toEqual(['open 1', 'run', 'close']);
});

const ID = '4bf92f3577b34da6a3ce929d0e0e4736';
test.each([
  [`00-${ID}-00f067aa0ba902b7-01`, ID],
  [`cc-${ID}-00f067aa0ba902b7-01-what-the-future-will-be-like`, ID],
  [`ff-${ID}-00f067aa0ba902b7-01`, null],
  [`00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, null],
  [`00-${ID}-${'0'.repeat(16)}-01`, null],
  [`00-${ID.toUpperCase()}-00f067aa0ba902b7-01`, null],
  ['nonsense', null],
  [42, null],
])('the traceparent %s has the trace id %s', (traceparent, expected) => {
  expect(traceContextOf({ traceparent })?.traceId ?? null).toBe(expected);
});

test('a job without a traceparent has no trace', () => {
  expect(traceContextOf({})).toBeNull();
});
