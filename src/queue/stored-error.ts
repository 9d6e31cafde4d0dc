import type { StoredError } from '../job/record.ts';

/** The error of an attempt as an Error again, to be a `cause`. */
export function errorFrom(stored: Omit<StoredError, 'fingerprint'>): Error {
  const error = new Error(stored.message);
  error.name = stored.name;
  if (stored.stack !== null) error.stack = stored.stack;
  return stored.code === null ? error : Object.assign(error, { code: stored.code });
}

/** An error as a change of the feed carries it, or null when it was too long to be carried. */
export function readStoredError(value: unknown): StoredError | null {
  if (typeof value !== 'object' || value === null) return null;
  const text = (name: string): string | null => {
    const field: unknown = Reflect.get(value, name);
    return typeof field === 'string' ? field : null;
  };
  const message = text('message');
  if (message === null) return null;
  const [name, fingerprint] = [text('name') ?? 'Error', text('fingerprint') ?? ''];
  return { name, message, stack: text('stack'), code: text('code'), fingerprint };
}
