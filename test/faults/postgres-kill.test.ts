import type { CheckReport } from 'millrace/history';
import { afterAll, beforeAll, describe } from 'vitest';
import { KILLS as KILLS_OF_ALL, keepsItsPromises, killAtRandom, limitMs, SEED } from './killing.ts';
import { Lab } from './lab.ts';
import { type Cluster, noServer, startServer } from './postgres-server.ts';

const KILLS = Math.ceil(KILLS_OF_ALL / 4);

describe.skipIf(noServer)(`workers and producers on PostgreSQL, killed ${KILLS} times (seed ${SEED})`, () => {
  let server: Cluster;
  let lab: Lab;
  let report: CheckReport;

  beforeAll(async () => {
    server = await startServer();
    lab = new Lab('pg-kill', server.url);
    const killing = { kills: KILLS, isLedSteadily: false, workers: 3, holdMs: 50, pauseMs: 300 };
    report = await killAtRandom(lab, killing);
  }, limitMs(KILLS));

  afterAll(async () => {
    await lab?.remove();
    await server?.stop();
  });

  keepsItsPromises(() => ({ lab, report }), KILLS, {
    name: 'faults-postgres-kill',
    title: 'PostgreSQL: workers and producers killed at random moments',
  });
});
