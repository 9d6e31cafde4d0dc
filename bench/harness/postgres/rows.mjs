/** Rows that several questions have: what the same work cost. */

export const ALL = ['millrace', 'graphile', 'graphile-best', 'pgboss', 'bullmq'];

/** Adding is the same in both modes of graphile-worker. */
export const ADDERS = ['millrace', 'graphile', 'pgboss', 'bullmq'];

/** @param work for example "the same `add`s" */
export const costRows = (work) => [
  { key: 'cpu', title: `CPU of the process per 10,000 jobs, ${work}`, unit: 's' },
  { key: 'serverCpu', title: `CPU of the server per 10,000 jobs, ${work}`, unit: 's' },
  { key: 'wal', title: `WAL per job, ${work}`, unit: 'B' },
];
