import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../runtime/clock.ts';
import { within } from '../../runtime/within.ts';
import { execArgvFor } from './exec-argv.ts';
import type { ChildEnd, Link, LinkOptions, LinkPort } from './link.ts';
import type { FromChild, LastWords } from './messages.ts';

const HAS_GROUPS = process.platform !== 'win32';
/** Last words and the rest of stderr come within this time of the end, unless somebody else holds the pipes open. */
const DRAIN_MS = 300;
/** What V8 says before it ends a process, on stderr only. */
const HEAP_FULL = /heap out of memory/;
const TAIL = 4_096;

/**
 * A child process. It leads a group of its own: what the terminal sends to all of its processes does not end it,
 * and what it started itself is killed with it.
 */
export function processLink({ start, execArgv }: LinkOptions, port: LinkPort): Link {
  const child = fork(fileURLToPath(new URL('./child.js', import.meta.url)), [JSON.stringify(start)], {
    execArgv: execArgvFor(execArgv ?? process.execArgv, start.maxMemoryMb),
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'pipe', 'ipc', 'pipe'],
    detached: HAS_GROUPS,
  });
  const said = listen(child);
  child.on('message', (message) => port.told(message as FromChild));
  // A child that cannot be started, or written to any more, has its end told by `exit`, or by this.
  child.on('error', (error) => {
    if (child.pid === undefined) port.ended(neverBegan(error));
  });
  child.on('exit', (exitCode, signal) => {
    if (exitCode !== 0) killGroup(child);
    void within(systemClock, closed(child), DRAIN_MS).then(() => {
      port.ended({ exitCode, signal, words: said() });
      for (const stream of child.stdio) stream?.destroy();
    });
  });
  return {
    name: `process ${child.pid ?? 'that did not start'}`,
    send: (message) => {
      if (child.connected) child.send(message, undefined, undefined, () => {});
    },
    kill: () => killGroup(child),
  };
}

function neverBegan(error: Error): ChildEnd {
  const { name, message, stack = null } = error;
  const carried = { kind: 'error', name, message, stack, cause: null, errors: null, fields: {} } as const;
  return { exitCode: null, signal: null, words: { kind: 'uncaught', error: carried } };
}

function closed(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once('close', () => resolve()));
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(HAS_GROUPS ? -child.pid : child.pid, 'SIGKILL');
  } catch {
    // Nobody of the group is left.
  }
}

/** Passes on what the child writes to stderr, and answers what it said last. */
function listen(child: ChildProcess): () => LastWords | null {
  let tail = '';
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    process.stderr.write(chunk);
    tail = (tail + chunk.toString('latin1')).slice(-TAIL);
  });
  child.stdio[4]?.on('data', (chunk: Buffer) => {
    words += chunk.toString();
  });
  for (const stream of child.stdio) stream?.on('error', () => {});
  return () => parse(words) ?? (HEAP_FULL.test(tail) ? { kind: 'memory', usedMb: 0 } : null);
}

/** The first line counts: what follows comes of it. */
function parse(words: string): LastWords | null {
  const [line = ''] = words.split('\n');
  try {
    return line === '' ? null : (JSON.parse(line) as LastWords);
  } catch {
    return null;
  }
}
