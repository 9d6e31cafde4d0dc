import { endOf, pairsOf } from './ends.ts';
import { type Evidence, firstCall, type Grant } from './evidence.ts';

const DEADLY = ['kill', 'exit'];

export interface Recovery {
  readonly earlier: Grant;
  readonly later: Grant;
  /** From the death of the process that held the job to the answer of the next claim. */
  readonly tookMs: number;
}

export function recoveriesOf(evidence: Evidence): Recovery[] {
  const found: Recovery[] = [];
  const deaths = deathsOf(evidence);
  const deathOf = (grant: Grant): number | undefined => {
    const { process } = firstCall(grant).begin;
    return deaths.get(process) ?? deaths.get(evidence.processes.get(process)?.head?.pid ?? '');
  };
  for (const life of evidence.lives) {
    for (const [earlier, later] of pairsOf(life)) {
      const deadAt = deathOf(earlier);
      if (deadAt === undefined || endOf(evidence, earlier).how !== 'crashed') continue;
      const claimed = firstCall(later);
      found.push({ earlier, later, tookMs: evidence.at(claimed.end ?? claimed.begin) - deadAt });
    }
  }
  return found;
}

/** By name of the history, or process id. */
function deathsOf({ faults, at }: Evidence): Map<string | number, number> {
  const deadly = faults.filter(({ fault }) => DEADLY.includes(fault));
  return new Map(deadly.map(({ target, begin }) => [target, at(begin)]));
}
