/** How many histories the tests tell. */

/** By hand: `MILLRACE_SIMULATION_SEEDS=20000 npm test -- --only simulation`. */
export const SEEDS: number = Number(process.env['MILLRACE_SIMULATION_SEEDS'] ?? 2_000);

/** In every one of so many seeds a planted bug has to be found. */
export const MOST_SEEDS = 100;
