import { FENCING } from './fencing.ts';
import { LIFE } from './life.ts';
import type { Mutant } from './mutant.ts';
import { REPEATING } from './repeating.ts';
import { WORKER } from './worker.ts';

export type { Ground, Mutant } from './mutant.ts';

export const MUTANTS: readonly Mutant[] = [...FENCING, ...REPEATING, ...LIFE, ...WORKER];
