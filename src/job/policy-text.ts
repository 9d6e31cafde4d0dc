import type { Headers, JobPolicy } from './record.ts';

/** What the text of a policy leaves out. Never changed: databases out there were written with it. */
const USUAL: JobPolicy = Object.freeze({
  attempts: 1,
  backoff: null,
  retryForMs: null,
  timeoutMs: null,
  ttlMs: null,
  deadLetterQueue: null,
  keepCompletedMs: null,
  keepFailedMs: null,
});

/** Jobs of one queue mostly have the same policy, and its object is made once. */
const policies = new Map<string, JobPolicy>();
const headers = new Map<string, Headers>();
const KNOWN = 100;

/** Only what is unusual: the text stands in every job. */
export function textOfPolicy(policy: JobPolicy): string {
  const unusual = Object.entries(policy).filter(([key, value]) => value !== USUAL[key as keyof JobPolicy]);
  return JSON.stringify(Object.fromEntries(unusual));
}

/** For the jobs of one call, of which most share one object with the one before. */
export function remembering<T extends object>(textOf: (value: T) => string): (value: T) => string {
  let last: { readonly value: T; readonly text: string } | null = null;
  return (value) => {
    if (last?.value !== value) last = { value, text: textOf(value) };
    return last.text;
  };
}

/** null for text that is damaged: one such job must not keep others from being read. The same for headers. */
export function policyOfText(text: string): JobPolicy | null {
  return recall(policies, text, () => {
    const policy: JobPolicy = { ...USUAL, ...(JSON.parse(text) as Partial<JobPolicy>) };
    Object.freeze(policy.backoff);
    return policy;
  });
}

export function headersOfText(text: string): Headers | null {
  return recall(headers, text, () => JSON.parse(text) as Headers);
}

/** Shared by all who read it, and therefore frozen. */
function recall<T extends object>(known: Map<string, T>, text: string, read: () => T): T | null {
  const found = known.get(text);
  if (found !== undefined) return found;
  if (known.size === KNOWN) known.clear();
  try {
    const value = Object.freeze(read());
    known.set(text, value);
    return value;
  } catch {
    return null;
  }
}
