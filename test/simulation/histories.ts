/** The test of a part of the seeds: the parts stand in files of their own, so that they run side by side. */

import { expect, it } from 'vitest';
import { keepSummary } from './keep-summary.ts';
import { runSeeds } from './run-seeds.ts';
import { SEEDS } from './seeds.ts';

const TIMEOUT_MS = 3_600_000;

/** `part` 1 to `parts`. */
export function tellHistories(part: number, parts: number): void {
  const size = Math.ceil(SEEDS / parts);
  const from = 1 + size * (part - 1);
  const seeds = Math.min(size, SEEDS - size * (part - 1));
  it(
    `keeps every promise in ${seeds} histories, from seed ${from} on`,
    async () => {
      const summary = await runSeeds({ from, seeds });
      keepSummary(`seeds-${part}`, summary);
      expect(summary.failures).toEqual([]);
      expect(summary.histories).toBe(seeds);
    },
    TIMEOUT_MS,
  );
}
