import { afterAll, describe, expect, it } from 'vitest';
import { keepSummary } from './keep-summary.ts';
import { MUTANTS } from './mutants/index.ts';
import { type Found, findMutant } from './run-seeds.ts';
import { MOST_SEEDS } from './seeds.ts';

const found: Found[] = [];

describe(`planted bugs are found within ${MOST_SEEDS} histories`, () => {
  it.each(MUTANTS.map((mutant) => [mutant.name, mutant.bug, mutant] as const))(
    '%s: %s',
    async (_name, _bug, mutant) => {
      const answer = await findMutant(mutant, MOST_SEEDS);
      found.push(answer);

      expect(answer).toMatchObject({ check: expect.any(String) });
      expect(mutant.breaks).toContain(answer.check);
    },
  );
});

afterAll(() => keepSummary('mutants', { mostSeeds: MOST_SEEDS, mutants: found }));
