/** From the command to the first job done: what a newcomer waits, and a process that is started again and again. */

import { spawn } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bench, root } from '../harness/paths.mjs';
import { median } from '../harness/statistics.mjs';

const BARE = 'Node alone';

const millrace = `import { Queue, Worker } from 'millrace';

const mails = new Queue('mails');
const worker = new Worker('mails', async (job) => {
  console.log(\`sending \${job.name} to \${job.data.to}\`);
});
worker.on('error', console.error);
await mails.add('welcome', { to: 'ada@example.com' });
worker.once('completed', () => worker.close());
`;

const bullmq = (port) => `import { Queue, Worker } from 'bullmq';
const connection = { host: '127.0.0.1', port: ${port}, maxRetriesPerRequest: null };
const mails = new Queue('mails', { connection });
const worker = new Worker('mails', async (job) => {
  console.log(\`sending \${job.name} to \${job.data.to}\`);
}, { connection });
worker.on('error', console.error);
await mails.add('welcome', { to: 'ada@example.com' });
worker.once('completed', () => process.exit(0));
`;

const PACKAGES = { millrace: root, bullmq: join(bench, 'node_modules', 'bullmq') };

function programOf({ peer, variant, redisPort }) {
  if (variant === BARE) return `console.log('sending');\n`;
  return peer === 'millrace' ? millrace : bullmq(redisPort);
}

/** An application's folder with the package in its node_modules, and no database yet. */
function makeApplication(order, number) {
  const folder = join(order.folder, `application-${number}`);
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  symlinkSync(PACKAGES[order.peer], join(folder, 'node_modules', order.peer), 'junction');
  writeFileSync(join(folder, 'hello.mjs'), programOf(order));
  return folder;
}

/** Seconds until the processor's line is there; the program is then ended if it does not end itself. */
function firstLine(folder) {
  const { MILLRACE_URL: _, ...env } = process.env;
  return new Promise((resolve, reject) => {
    const started = performance.now();
    let seconds = null;
    const child = spawn(process.execPath, ['hello.mjs'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let complaints = '';
    child.stderr.on('data', (chunk) => (complaints += chunk));
    child.stdout.once('data', () => {
      seconds = (performance.now() - started) / 1000;
    });
    child.once('close', () => (seconds === null ? reject(new Error(complaints)) : resolve(seconds)));
  });
}

export const question = {
  peers: ['millrace', 'bullmq'],
  variants: { millrace: [null, BARE] },
  runs: 5,
  size: { starts: 5 },
  quick: { starts: 2 },
  rows: () => [
    {
      key: 'seconds',
      title: 'command to first processed job with a 10-line file',
      unit: 's',
      goals: [{ atMost: 0.5 }],
    },
    {
      key: 'seconds',
      title: 'command to first line of Node with nothing to do',
      unit: 's',
      peers: ['millrace'],
      variant: BARE,
    },
  ],
  async measure({ order, size }) {
    const times = [];
    for (let number = 0; number < size.starts; number += 1) {
      times.push(await firstLine(makeApplication(order, number)));
    }
    return { seconds: median(times) };
  },
};
