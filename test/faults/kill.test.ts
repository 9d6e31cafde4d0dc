import type { CheckReport } from 'millrace/history';
import { afterAll, beforeAll, describe } from 'vitest';
import { KILLS, keepsItsPromises, killAtRandom, limitMs, SEED } from './killing.ts';
import { Lab } from './lab.ts';

const SCENES = [
  { name: 'workers', isLedSteadily: true, title: 'workers and producers killed at random moments' },
  {
    name: 'leaders',
    isLedSteadily: false,
    title: 'workers, producers and whoever leads the upkeep, killed at random moments',
  },
];

describe.each(SCENES)(`$title (${KILLS / 2} kills, seed ${SEED})`, ({ name, isLedSteadily, title }) => {
  const kills = KILLS / 2;
  const lab = new Lab('kill');
  let report: CheckReport;

  beforeAll(async () => {
    report = await killAtRandom(lab, { kills, isLedSteadily, workers: 4, holdMs: 100, pauseMs: 400 });
  }, limitMs(KILLS));

  afterAll(() => lab.remove());

  keepsItsPromises(() => ({ lab, report }), kills, { name: `faults-kill-${name}`, title });
});
