/** Runs a server for as long as whoever started this lives: when its input ends, however that came, the server ends. */

import { spawn } from 'node:child_process';

const [command, ...args] = process.argv.slice(2);
const server = spawn(command, args, { stdio: 'ignore' });
const end = () => server.kill();

server.once('error', () => process.exit(127));
server.once('close', () => process.exit(0));
process.stdin.on('end', end).resume();
process.once('SIGTERM', end);
