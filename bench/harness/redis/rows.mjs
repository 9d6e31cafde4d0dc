/** What several questions on Redis share. */

export const PEERS = ['millrace', 'bullmq'];

/** On the server that flushes every write. */
export const ALWAYS = 'always';

export const DURABLE = 'flushed to disk (`appendfsync always`)';

export const BOTH = Object.fromEntries(PEERS.map((peer) => [peer, [null, ALWAYS]]));

/** A figure on both servers, with what it costs on the one without persistence. */
export function rateRows(title, atLeast) {
  const rate = { key: 'perSecond', unit: 'jobs/s', goals: [{ beside: 'bullmq', atLeast }] };
  return [
    { ...rate, title },
    {
      ...rate,
      title: `${title}, ${DURABLE}`,
      variant: ALWAYS,
      goals: [{ beside: 'bullmq', variant: ALWAYS, atLeast }],
    },
    { key: 'cpu', title: `CPU of the process per 10,000 jobs, ${title}`, unit: 's' },
    { key: 'serverCpu', title: `CPU of Redis per 10,000 jobs, ${title}`, unit: 's' },
  ];
}
