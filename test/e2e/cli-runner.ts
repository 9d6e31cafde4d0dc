/** The built command line, as a shell runs it, in a folder of its own. */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../tidy/files.ts';
import { cleanEnvironment, emptyFolder, Program, remove } from './newcomer.ts';

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const MAIN = join(root, 'dist', 'cli', 'main.js');
export const JOBS: string = join(root, 'test', 'e2e', 'cli-jobs.mjs');

export class CommandLine {
  readonly folder: string = emptyFolder('cli');
  readonly ledger: string = join(this.folder, 'ledger.txt');

  /** Runs a command to its end. */
  run(args: readonly string[], input = ''): Ran {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', MAIN, ...args], {
      cwd: this.folder,
      env: { ...cleanEnvironment(), LEDGER: this.ledger },
      input,
      encoding: 'utf8',
      timeout: 120_000,
      maxBuffer: 256 * 1024 * 1024,
    });
    return { code: status, out: stdout, err: stderr };
  }

  /** The answer of a command that must succeed. */
  json(...args: string[]): ReturnType<JSON['parse']> {
    const { code, out, err } = this.run([...args, '--json']);
    if (code !== 0) throw new Error(`millrace ${args.join(' ')} ended with ${code}: ${err}`);
    return JSON.parse(out);
  }

  /** Starts a command that goes on; a `kill` reaches it alone. */
  start(...args: string[]): Program {
    const env = { ...cleanEnvironment(), LEDGER: this.ledger };
    return new Program(process.execPath, ['--no-warnings', MAIN, ...args], this.folder, env);
  }

  /** Through a shell, with `millrace` as the command. */
  shell(line: string): Ran {
    const prelude = `millrace() { '${process.execPath}' --no-warnings '${MAIN}' "$@"; }`;
    const { status, stdout, stderr } = spawnSync('bash', ['-c', `${prelude}\n${line}`], {
      cwd: this.folder,
      env: cleanEnvironment(),
      encoding: 'utf8',
      timeout: 120_000,
    });
    return { code: status, out: stdout, err: stderr };
  }

  write(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** Ids of the jobs that were run, in the order of their ends. */
  ran(): string[] {
    return existsSync(this.ledger) ? readFileSync(this.ledger, 'utf8').trim().split('\n') : [];
  }

  remove(): void {
    remove(this.folder);
  }
}
