/** Rows for what a question's work cost in processor time, for information. */

/** @param work for example "the same `add`s" */
export const cpuRows = (work, variant) => [
  {
    key: 'cpu',
    title: `CPU of the process per 10,000 jobs, ${work}`,
    unit: 's',
    peers: ['millrace', 'bullmq', 'bunqueue'],
    variant,
  },
  { key: 'serverCpu', title: `CPU of Redis beside it, ${work}`, unit: 's', peers: ['bullmq'], variant },
];
