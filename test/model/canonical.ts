import type { Store } from '../../src/store/store.ts';

/** The answer with bytes as hex and refusals by their code, so that answers of different stores can be compared. */
export async function answerOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(plain, (error: unknown) => ({
    refused: (error as { code?: string }).code ?? String(error),
  }));
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `hex:${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
}

/** Everything that the store holds. How far operations have scanned is each store's own affair. */
export async function dumpOf(store: Store): Promise<string[]> {
  const lines: string[] = [];
  for await (const { key, value } of store.dump()) {
    lines.push(`${key} ${key.startsWith('operation ') ? value.replace(/"scanned":\d+/, '') : value}`);
  }
  return lines;
}
