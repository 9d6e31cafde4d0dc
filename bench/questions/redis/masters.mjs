/** How the work of several queues is shared by the masters of a cluster. CPU, and no wall time: they share two cores. */

import { Queue, Worker } from '../../../dist/index.js';
import { startCluster } from '../../../scripts/redis.mjs';
import { addBulks, drain } from '../../harness/load.mjs';

const MASTERS = ['1', '2', '3'];
const MICROSECONDS = 1e6;
/** Above 1/n: what each master does for itself, and what a share of few queues is off. */
const SLACK = 1.15;

const words = (many) => (many === '1' ? '1 master' : `${many} masters`);

function rowsOf(queues) {
  const title = (many, which) =>
    `CPU of ${which} per job, ${queues} spread queues on a cluster of ${words(many)}, added by 500 and drained at 100`;
  return MASTERS.flatMap((many) => [
    {
      ...{ key: 'mean', title: title(many, 'a master'), unit: 'µs', variant: many },
      ...(many !== '1' && {
        goals: [{ variant: '1', title: '1 master', atMost: Number((SLACK / Number(many)).toFixed(2)) }],
      }),
    },
    { key: 'busiest', title: title(many, 'the busiest master'), unit: 'µs', variant: many },
  ]);
}

async function cpuOf(node) {
  const info = await node.ask('INFO', 'cpu');
  const numberOf = (name) => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1]);
  return numberOf('used_cpu_user') + numberOf('used_cpu_sys');
}

function openOne(connection, name) {
  const queue = new Queue(name, { connection });
  return {
    addBulk: (jobs) => queue.addBulk(jobs),
    work(concurrency, processor, onCompleted) {
      const worker = new Worker(name, processor, { connection, concurrency });
      worker.on('completed', onCompleted);
      worker.on('error', (error) => {
        throw error;
      });
      return worker;
    },
    close: () => queue.close(),
  };
}

async function passThrough(queues, jobs) {
  const each = jobs / queues.length;
  await Promise.all(queues.map((queue) => addBulks(queue, each)));
  const workers = await Promise.all(queues.map((queue) => drain(queue, each, 100)));
  await Promise.all(workers.map((worker) => worker.close()));
}

async function measureOn({ nodes, url }, { jobs, warmUp, queues: many }) {
  const connection = `${url}?spread=queue`;
  const queues = Array.from({ length: many }, (_, number) => openOne(connection, `bench-${number}`));
  await passThrough(queues, warmUp);
  const before = await Promise.all(nodes.map(cpuOf));
  await passThrough(queues, jobs);
  const after = await Promise.all(nodes.map(cpuOf));
  for (const queue of queues) await queue.close();
  const costs = after.map((seconds, place) => ((seconds - before[place]) * MICROSECONDS) / jobs);
  return { mean: costs.reduce((sum, cost) => sum + cost, 0) / costs.length, busiest: Math.max(...costs) };
}

export const question = {
  peers: ['millrace'],
  variants: { millrace: MASTERS },
  runs: 3,
  size: { jobs: 60_000, warmUp: 6000, queues: 6 },
  quick: { jobs: 6000, warmUp: 3000, queues: 6 },
  rows: ({ queues }) => rowsOf(queues),
  async measure({ variant, size }) {
    const cluster = await startCluster({ masters: Number(variant) });
    try {
      return await measureOn(cluster, size);
    } finally {
      await cluster.stop();
    }
  },
};
