/** How many connections one process has that adds to many queues and works on each. */

import { PEERS } from '../../harness/redis/rows.mjs';
import { payload } from '../../peers/payload.mjs';

async function openOne(open, number) {
  const queue = await open({ queueName: `bench-${number}` });
  await new Promise((resolve, reject) => {
    queue.work(1, async () => {}, resolve);
    queue.add('mail', payload(number)).catch(reject);
  });
  return queue;
}

export const question = {
  peers: PEERS,
  runs: 1,
  size: { queues: 20 },
  quick: { queues: 5 },
  rows: ({ queues }) => [
    {
      key: 'connections',
      title: `connections of one process with ${queues} queues and a worker each`,
      unit: '',
      goals: [{ atMost: 3 }],
    },
  ],
  async measure({ open, size: { queues } }) {
    const opened = [];
    for (let number = 0; number < queues; number += 1) opened.push(await openOne(open, number));
    // Each has brought a connection of its own that looks at the server.
    const connections = (await opened[0].connections()) - (queues - 1);
    for (const queue of opened) await queue.close();
    return { connections };
  },
};
