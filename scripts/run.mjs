/** How the scripts start other programs: always by argument list, never through a string for a shell. */

import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const windows = process.platform === 'win32';

/** Runs to the end. `quiet` keeps what the program printed instead of showing it. */
export function run(command, args, { quiet = false, cwd = root, env = process.env } = {}) {
  return new Promise((resolve) => {
    const stdio = quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'];
    const child = spawn(command, args, { cwd, env, stdio, shell: windows && command.endsWith('.cmd') });
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ code: 127, output: `${output}${error.message}\n` }));
    child.on('close', (code, signal) =>
      resolve({ code: code ?? 1, output: signal ? `${output}${signal}\n` : output }),
    );
  });
}

/** npm as the one that started us, else the one on the path. */
export function npm(args, options) {
  const cli = process.env.npm_execpath;
  if (cli?.endsWith('.js')) return run(process.execPath, [cli, ...args], options);
  return run(windows ? 'npm.cmd' : 'npm', args, options);
}

/** A program that a package of node_modules brings. */
export function bin(name) {
  return join(root, 'node_modules', '.bin', windows ? `${name}.cmd` : name);
}

/** For the scripts themselves: one line about what happens, with no place in the output of a pipe's reader. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}
