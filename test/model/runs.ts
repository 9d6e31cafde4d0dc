import fc from 'fast-check';

export interface Effort {
  readonly sequences: number;
  readonly commands: number;
  readonly seed: number;
}

/** `MILLRACE_SEQUENCES` raises the number of sequences, `MILLRACE_SEED` repeats a run that failed. */
export function effortOf(sequences: number): Effort {
  const { MILLRACE_SEQUENCES, MILLRACE_SEED } = process.env;
  return {
    sequences: numberIn(MILLRACE_SEQUENCES) ?? sequences,
    commands: 60,
    seed: numberIn(MILLRACE_SEED) ?? Date.now() & 0x7fff_ffff,
  };
}

function numberIn(text: string | undefined): number | null {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

/** Checks the property on that many sequences; of one that fails as little as still fails is shown, with the seed. */
export async function holds<T>(
  { sequences: numRuns, commands, seed }: Effort,
  command: fc.Arbitrary<T>,
  property: (sequence: readonly T[]) => Promise<void>,
): Promise<void> {
  const sequence = fc.array(command, { minLength: commands, maxLength: commands });
  // Dropping commands says more than making their numbers smaller, which is what shrinking would begin with.
  const details = await fc.check(fc.asyncProperty(sequence, property), { numRuns, seed, endOnFailure: true });
  const [failing] = details.counterexample ?? [];
  if (failing === undefined) return;
  const fewest = await withoutNeedless(failing, property);
  const shown = fewest.map((each) => `  ${fc.stringify(each)}`).join('\n');
  const cause = await failureOf(fewest, property);
  throw new Error(`MILLRACE_SEED=${seed} repeats this. Commands that suffice:\n${shown}`, { cause });
}

async function failureOf<T>(
  sequence: readonly T[],
  property: (sequence: readonly T[]) => Promise<void>,
): Promise<unknown> {
  return property(sequence).then(
    () => null,
    (error: unknown) => error,
  );
}

/** Leaves out ever smaller parts of the sequence, as long as it goes on failing. */
async function withoutNeedless<T>(
  failing: readonly T[],
  property: (sequence: readonly T[]) => Promise<void>,
): Promise<readonly T[]> {
  let fewest = failing;
  for (let size = Math.ceil(failing.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = fewest.length - size; from >= 0; from -= size) {
      const fewer = [...fewest.slice(0, from), ...fewest.slice(from + size)];
      if ((await failureOf(fewer, property)) !== null) fewest = fewer;
    }
  }
  return fewest;
}
