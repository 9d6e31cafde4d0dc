/**
 * Everything that a run starts goes through here, so that everything ends with it: at its end, on Ctrl-C, and when a
 * step takes longer than it may.
 */

import { spawn } from 'node:child_process';

const running = new Set();

/** A negative id means the whole group: what the program started itself ends with it. */
function stopNow(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}

export function stopAll() {
  for (const child of running) stopNow(child);
}

/** Starts a program at the head of a process group of its own. Whoever starts it waits for it or stops it. */
export function start(command, args, { cwd, env, stdio = ['pipe', 'pipe', 'pipe'] } = {}) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio, detached: true });
  running.add(child);
  child.once('close', () => running.delete(child));
  child.once('error', () => running.delete(child));
  return child;
}

/** Runs a program to its end, or stops it and says so. */
export function run(command, args, { timeoutMs, ...options }) {
  return new Promise((resolve, reject) => {
    const child = start(command, args, options);
    const output = { out: '', err: '' };
    const timer = setTimeout(() => {
      reject(new Error(`took longer than ${timeoutMs / 1000} s and was stopped`));
      stopNow(child);
    }, timeoutMs);
    child.stdout?.on('data', (chunk) => (output.out += chunk));
    child.stderr?.on('data', (chunk) => (output.err += chunk));
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(output.out);
      else reject(new Error(`ended with ${signal ?? code}: ${lastWords(output)}`));
    });
  });
}

function lastWords({ out, err }) {
  return `${err.trim() || out.trim()}`.split('\n').slice(-12).join('\n');
}

/** Asks it to end, and makes sure that it does. */
export function stop(child, withinMs = 5000) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => stopNow(child), withinMs);
    child.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
