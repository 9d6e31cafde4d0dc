/** A process that adds and works jobs while the machine makes trouble for its store, and what it says of it. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect } from 'millrace';
import { expect } from 'vitest';

const here = dirname(fileURLToPath(import.meta.url));
const cli = join(here, '../../dist/cli/main.js');
const DEADLINE_MS = 30_000;

export interface Said {
  readonly what: string;
  readonly id?: string;
  readonly name?: string;
  readonly message?: string;
  readonly worstMs?: number;
  readonly downMs?: number;
}

export interface Plan {
  readonly leaseMs?: number;
  readonly payloadBytes?: number;
  /** What strace does to its system calls: `inject=fsync:error=EIO:when=5`. */
  readonly inject?: readonly string[];
}

export class Troubled {
  readonly said: Said[] = [];
  readonly path: string;
  readonly #child: ChildProcess;
  readonly #traces: string;

  constructor(path: string, { leaseMs = 30_000, payloadBytes = 100, inject = [] }: Plan = {}) {
    this.path = path;
    this.#traces = `${path}.strace`;
    const script = [join(here, 'trouble-worker.mjs'), `sqlite:${path}`, `${leaseMs}`, `${payloadBytes}`];
    const node = [process.execPath, '--no-warnings', ...script];
    const [command = '', ...args] = inject.length === 0 ? node : [...straced(inject, this.#traces), ...node];
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
    lines.on('line', (line) => this.said.push(JSON.parse(line) as Said));
    this.#child.stderr?.on('data', (chunk: Buffer) =>
      this.said.push({ what: 'stderr', message: `${chunk}` }),
    );
  }

  all(what: string): Said[] {
    return this.said.filter((said) => said.what === what);
  }

  ids(what: string): string[] {
    return this.all(what).flatMap(({ id }) => (id === undefined ? [] : [id]));
  }

  /** Until `what` was said `count` times more often than now. */
  async more(what: string, count: number): Promise<void> {
    const wanted = this.all(what).length + count;
    await until(`${count} more of "${what}"`, () => this.all(what).length >= wanted, this.said);
  }

  /** When so many system calls have been made to fail or to wait. */
  async injected(count: number): Promise<void> {
    await until(`${count} faults are injected`, () => {
      const traces = existsSync(this.#traces) ? readFileSync(this.#traces, 'utf8') : '';
      return (traces.match(/\((INJECTED|DELAYED)\)/g) ?? []).length >= count;
    });
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await ended;
  }

  /** For the end of a test that failed half-way. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** What was acknowledged is there and done, exactly once each, and the store finds nothing wrong with itself. */
  async expectNothingLost(): Promise<void> {
    const connected = connect(`sqlite:${this.path}`);
    try {
      const { store } = connected;
      for (const id of new Set([...this.ids('acknowledged'), ...this.ids('completed')])) {
        const record = await store.job({ queue: 'mail', id });
        const outcomes = (await store.attempts({ queue: 'mail', id })).map(({ outcome }) => outcome);
        expect([id, record?.state, outcomes.filter((outcome) => outcome === 'completed').length]).toEqual([
          id,
          'completed',
          1,
        ]);
      }
      expect(await store.verify()).toEqual([]);
    } finally {
      await connected.release();
    }
    expect(this.all('stderr')).toEqual([]);
    expect(this.all('closed')).toHaveLength(1);
  }
}

function straced(inject: readonly string[], traces = '/dev/null'): string[] {
  const calls = inject.map((rule) => rule.replace(/^inject=/, '').split(':')[0]).join(',');
  return [
    'strace',
    '-f',
    '-qq',
    '-o',
    traces,
    '-e',
    `trace=${calls}`,
    ...inject.flatMap((rule) => ['-e', rule]),
  ];
}

export async function until(what: string, isTrue: () => boolean, seen: unknown = ''): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!isTrue()) {
    if (performance.now() > deadline) {
      throw new Error(
        `after ${DEADLINE_MS} ms still not true: ${what}; ${JSON.stringify(seen).slice(-2_000)}`,
      );
    }
    await wait(20);
  }
}

export interface Told {
  readonly code: number | null;
  readonly text: string;
}

/** What the command line says, both streams together. */
export function millrace(path: string, ...args: readonly string[]): Told {
  return millraceUnder([], path, ...args);
}

/** The same while system calls fail. */
export function millraceUnder(inject: readonly string[], path: string, ...args: readonly string[]): Told {
  const node = [process.execPath, cli, ...args, '--store', `sqlite:${path}`];
  const [command = '', ...rest] = inject.length === 0 ? node : [...straced(inject), ...node];
  const { status, stdout, stderr } = spawnSync(command, rest, { encoding: 'utf8', timeout: DEADLINE_MS });
  return { code: status, text: stdout + stderr };
}

/** A directory of a test's own. */
export function makeFolder(): { readonly folder: string; readonly remove: () => void } {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-trouble-')));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Why faults of this kind cannot be made on this machine; null when they can. Printed: a skip is not a pass. */
export function lacking(tool: 'strace' | 'mount'): string | null {
  const { folder, remove } = makeFolder();
  const trial =
    tool === 'strace'
      ? spawnSync('strace', ['-f', '-qq', '-o', '/dev/null', '-e', 'inject=getpid:error=EIO', 'true'])
      : spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
  if (tool === 'mount' && trial.status === 0) spawnSync('umount', [folder]);
  remove();
  if (trial.status === 0) return null;
  const reason = `${tool} does not work here (${trial.error?.message ?? trial.stderr})`.trim();
  console.warn(`SKIPPED: tests that need ${tool}, because ${reason}`);
  return reason;
}
