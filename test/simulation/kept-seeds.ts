/**
 * Seeds that once found something, each with what it was. They are told again by every run, whatever its range. A
 * change of the simulator makes other histories of them, so they guard as any seeds do, and the unit tests named here
 * guard what they found.
 */

export interface KeptSeed {
  readonly seed: number;
  readonly found: string;
}

export const KEPT_SEEDS: readonly KeptSeed[] = [
  {
    seed: 15,
    found: 'a job that began in a machine that had slept without knowing, after another had taken it',
  },
  {
    seed: 750,
    found: 'a look for lost leases that was given up by its caller, and was carried out after that',
  },
];
