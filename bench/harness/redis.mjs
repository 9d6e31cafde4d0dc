/** A Redis of our own: on a free port of the loopback, gone at the end of the run. */

import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { bench } from './paths.mjs';
import { start, stop } from './processes.mjs';

const KEEPER = join(bench, 'harness', 'keep.mjs');
const START_WITHIN_MS = 5000;

const OPTIONS = [
  ...['--bind', '127.0.0.1', '--save', '', '--databases', '4096'],
  ...['--maxmemory', '0', '--maxmemory-policy', 'noeviction', '--loglevel', 'warning'],
];

/** What is acknowledged is in memory. */
const IN_MEMORY = ['--appendonly', 'no'];
/** What is acknowledged is on disk. Its log is not rewritten while somebody is measured. */
export const ALWAYS = [
  ...['--appendonly', 'yes', '--appendfsync', 'always', '--auto-aof-rewrite-percentage', '0'],
];

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** One command without arguments, spoken over a bare socket: the harness itself depends on no client. */
function ask(port, command) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`));
    let answer = '';
    socket.setTimeout(START_WITHIN_MS, () => socket.destroy(new Error('no answer')));
    socket.once('error', reject);
    socket.on('data', (chunk) => {
      answer += chunk;
      const [, length] = /^\$(\d+)\r\n/.exec(answer) ?? [];
      if (length !== undefined && answer.length < Number(length) + length.length + 3) return;
      socket.destroy();
      resolve(answer);
    });
  });
}

async function untilItAnswers(port, child) {
  const deadline = performance.now() + START_WITHIN_MS;
  for (;;) {
    const answer = await ask(port, 'PING').catch(() => '');
    if (answer.startsWith('+PONG')) return;
    if (child.exitCode === 127) throw new Error('there is no redis-server on the path');
    if (child.exitCode !== null) throw new Error('redis-server ended at once');
    if (performance.now() > deadline) throw new Error('redis-server does not answer');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function startRedis(folder, persistence = IN_MEMORY) {
  const port = await freePort();
  const server = ['redis-server', '--port', String(port), '--dir', folder, ...OPTIONS, ...persistence];
  const child = start(process.execPath, [KEEPER, ...server], { stdio: ['pipe', 'ignore', 'ignore'] });
  await untilItAnswers(port, child);
  const [, version] = /redis_version:(\S+)/.exec(await ask(port, 'INFO')) ?? [];
  return { port, version, stop: () => stop(child) };
}
