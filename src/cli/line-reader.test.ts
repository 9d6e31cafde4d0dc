import { expect, test } from 'vitest';
import { type InputLine, readLines } from './line-reader.ts';

async function* chunksOf(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === 'string' ? new TextEncoder().encode(part) : part;
}

async function read(maxBytes: number, ...parts: (string | Uint8Array)[]): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of readLines(chunksOf(...parts), maxBytes)) lines.push(shown(line));
  return lines;
}

function shown(line: InputLine): string {
  return `${line.number}@${line.endAt} ${'text' in line ? line.text : `! ${line.problem}`}`;
}

test('lines are put together across chunks and keep their numbers past empty ones', async () => {
  expect(await read(100, 'on', 'e\r\n\n', '  \ntwo', '\nthree')).toEqual([
    '1@5 one',
    '4@13 two',
    '5@18 three',
  ]);
});

test('characters cut apart by a chunk come back whole', async () => {
  const bytes = new TextEncoder().encode('価格\n');

  expect(await read(100, bytes.subarray(0, 2), bytes.subarray(2))).toEqual(['1@7 価格']);
});

test('a line beyond the limit is reported with its size, and the next one is read', async () => {
  expect(await read(4, 'ab', 'cde', 'fgh\nok\n')).toEqual([
    '1@9 ! is 8 bytes long, the limit is 4',
    '2@12 ok',
  ]);
});

test('bytes that are no text are reported, and the next line is read', async () => {
  expect(await read(10, new Uint8Array([0x22, 0xff, 0x22, 0x0a]), '1\n')).toEqual([
    '1@4 ! is not UTF-8 text',
    '2@6 1',
  ]);
});

test('a line of any length is never collected', async () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    const chunk = new Uint8Array(1024 * 1024).fill(0x61);
    for (let count = 0; count < 512; count += 1) yield chunk;
  }
  const before = process.memoryUsage().arrayBuffers;
  const lines: InputLine[] = [];

  for await (const line of readLines(endless(), 1024)) lines.push(line);

  expect(lines).toMatchObject([{ number: 1, problem: expect.stringContaining('536870912') }]);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
});
