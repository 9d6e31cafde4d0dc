/**
 * Statements for many rows at once. What a driver does for a statement costs as much as what SQLite does for a row of
 * it, so rows go in groups of a few fixed sizes, each of which is prepared once.
 */

import type { Database } from './database.ts';
import type { SqlValue } from './driver.ts';

export interface ManyRows {
  /** Values that all rows share come first. */
  readonly shared: number;
  readonly before: string;
  /** One row; `at` is the number of its first value. */
  readonly row: (at: number) => string;
  /** Values of each row. */
  readonly width: number;
  readonly after: string;
}

/** Answers how many rows changed. */
export type RunMany = (
  db: Database,
  shared: readonly SqlValue[],
  rows: readonly (readonly SqlValue[])[],
) => number;

const SIZES = [64, 16, 4, 1] as const;

export function manyRows(parts: ManyRows): RunMany {
  const texts = new Map<number, string>();
  const textFor = (size: number): string => {
    const known = texts.get(size);
    if (known !== undefined) return known;
    const rows = Array.from({ length: size }, (_, index) =>
      parts.row(parts.shared + 1 + index * parts.width),
    );
    const text = `${parts.before} ${rows.join(', ')} ${parts.after}`;
    texts.set(size, text);
    return text;
  };
  return (db, shared, rows) => {
    let from = 0;
    let changes = 0;
    for (const size of SIZES) {
      for (; rows.length - from >= size; from += size) {
        changes += db.run(textFor(size), ...shared, ...rows.slice(from, from + size).flat());
      }
    }
    return changes;
  };
}
