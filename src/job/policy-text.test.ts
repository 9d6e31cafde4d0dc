import { describe, expect, it } from 'vitest';
import { newJob } from '../testing/conformance/support.ts';
import { headersOfText, policyOfText, remembering, textOfPolicy } from './policy-text.ts';

describe('the text of a policy', () => {
  it('says only what is unusual, and is read back whole', () => {
    const { policy } = newJob({ policy: { attempts: 4, backoff: { type: 'fixed', delayMs: 1, jitter: 0 } } });

    expect(textOfPolicy(policy)).toBe('{"attempts":4,"backoff":{"type":"fixed","delayMs":1,"jitter":0}}');
    expect(policyOfText(textOfPolicy(policy))).toEqual(policy);
    expect(policyOfText('{}')).toEqual(newJob({ policy: { attempts: 1 } }).policy);
  });

  it('may be one that says everything, as earlier releases wrote it', () => {
    const { policy } = newJob({ policy: { ttlMs: 5 } });

    expect(policyOfText(JSON.stringify(policy))).toEqual(policy);
  });

  it('is remembered for as many policies as a store may have, and right for all of them', () => {
    const policies = Array.from({ length: 300 }, (_, ttlMs) => newJob({ policy: { ttlMs } }).policy);

    expect(policies.map((policy) => policyOfText(textOfPolicy(policy)))).toEqual(policies);
    expect(headersOfText('{"a":1}')).toEqual({ a: 1 });
  });

  it('is made once for jobs in a row that share it, and anew when it is another', () => {
    const made: object[] = [];
    const textOf = remembering((value: { n: number }) => `${made.push(value)} ${value.n}`);
    const [one, other] = [{ n: 1 }, { n: 2 }];

    expect([one, one, other, one].map(textOf)).toEqual(['1 1', '1 1', '2 2', '3 1']);
  });

  it('that is damaged is told from one that is not', () => {
    expect(policyOfText('{"x')).toBeNull();
    expect(headersOfText('')).toBeNull();
  });
});
