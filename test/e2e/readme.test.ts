import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { read } from '../tidy/files.ts';
import { DRIVER, emptyFolder, hasOwnSqlite, installInto, Program, packInto, remove } from './newcomer.ts';

const folder = emptyFolder('readme');

/** What a reader copies: the first program of the README. */
function firstProgram(): string {
  const program = /```js\n([\s\S]*?)```/.exec(read('README.md'))?.[1];
  if (program === undefined) throw new Error('the README has no program');
  return program;
}

function run(file = 'hello.mjs'): Program {
  return new Program(process.execPath, ['--no-warnings', file], folder);
}

beforeAll(() => {
  const tarball = packInto(folder);
  installInto(folder, hasOwnSqlite ? [tarball] : [tarball, DRIVER]);
  writeFileSync(join(folder, 'hello.mjs'), firstProgram());
});

afterAll(() => remove(folder));

describe('the first program of the README', () => {
  it('does what the README says it prints, and ends by itself', async () => {
    const hello = run();

    expect(await hello.end()).toBe(0);
    expect(hello.out).toBe('sending welcome to ada@example.com\n{ sent: true }\n');
    expect(hello.err).toBe('');
  });

  it('loses no mail to kill -9 in the middle: the next start sends it', async () => {
    // The same program with a mail that takes its time, so that there is a middle to be killed in, and a worker
    // that stays: the lease of the dead one has to run out first.
    const slow = firstProgram()
      .replace('return { sent: true };', 'await new Promise((go) => setTimeout(go, 60_000));')
      .replace("'ada@example.com'", "'grace@example.com'");
    writeFileSync(join(folder, 'slow.mjs'), slow);
    const killed = run('slow.mjs');
    await killed.until(() => killed.out.includes('sending welcome to grace@example.com'), 20_000);
    await killed.kill();
    const staying = firstProgram().replace(/await (worker|mails)\.close\(\);\n/g, '');
    writeFileSync(join(folder, 'staying.mjs'), staying);

    const next = run('staying.mjs');
    await next.until(() => next.out.includes('sending welcome to grace@example.com'), 120_000);
    await next.kill();

    expect(next.out).toContain('sending welcome to grace@example.com');
    expect(next.out).toContain('sending welcome to ada@example.com');
    expect(readFileSync(join(folder, 'hello.mjs'), 'utf8')).toBe(read('examples/hello.mjs'));
  });
});
