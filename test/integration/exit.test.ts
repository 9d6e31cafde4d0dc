import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { makeScratch } from '../support/scratch.ts';

const PROGRAM = fileURLToPath(new URL('./exit-busy.mjs', import.meta.url));
const ENDS = 24;

const scratch = makeScratch();
afterAll(() => scratch.remove());

test('a program that calls process.exit in the middle of its work ends with the code that it gave', async () => {
  const ends: (number | string | null)[] = [];
  const left = Array.from({ length: ENDS }, (_, index) => 20 + index * 7);
  const lane = async (): Promise<void> => {
    for (let afterMs = left.pop(); afterMs !== undefined; afterMs = left.pop())
      ends.push(await endOf(`sqlite:${scratch.nextPath()}`, afterMs));
  };
  await Promise.all([lane(), lane(), lane()]);
  expect(ends).toEqual(Array.from({ length: ENDS }, () => 7));
}, 90_000);

test('an add that fails is heard also when nobody waits for it', () => {
  const program = `import { Queue } from 'millrace';
    process.on('unhandledRejection', (error) => console.log(error.name));
    void new Queue('mail', { connection: 'memory:' }).add('welcome', { cents: 1n });`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  expect(stdout.trim()).toBe('InvalidPayloadError');
});

/** Its exit code, or the signal that ended it. */
function endOf(url: string, afterMs: number): Promise<number | string | null> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [PROGRAM, url, String(afterMs)], () => {
      resolve(child.exitCode ?? child.signalCode);
    });
  });
}
