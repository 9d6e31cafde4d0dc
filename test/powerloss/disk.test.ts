import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chanceOf } from './chance.ts';
import { Disk } from './disk.ts';
import { type Image, imageOf, type WayName } from './image.ts';
import { type DiskStep, readTrace, type Step } from './trace.ts';

const FILE = '/r/d/jobs.db';

/** A file `old` on disk, then what the steps do. */
function diskAfter(...steps: DiskStep[]): Disk {
  const disk = new Disk(new Map([[FILE, Buffer.from('old')]]), '/r');
  steps.forEach((step, index) => void disk.apply(step, index));
  return disk;
}

const write = (text: string, at = 0, path = FILE): DiskStep => ({
  kind: 'write',
  path,
  at,
  data: Buffer.from(text),
});
const flush = (path: string, begun: number): DiskStep => ({ kind: 'flush', path, begun });
const textOf = (image: Image, path = FILE): string | undefined => image.get(path)?.toString();
const cut = (disk: Disk, way: WayName): Image => imageOf(disk, way, chanceOf('test'));

describe('the disk of the test', () => {
  it('loses what was written since the last flush, and keeps what was written before it', () => {
    const disk = diskAfter(write('new'), flush(FILE, 1), write('er', 3));

    expect(textOf(cut(disk, 'lost'))).toBe('new');
    expect(textOf(cut(disk, 'kept'))).toBe('newer');
    expect(textOf(cut(disk, 'zeros'))).toBe('new\0\0');
  });

  it('does not count a write that was made while a flush was under way as flushed', () => {
    const disk = diskAfter(write('new'), write('er', 3), flush(FILE, 1));

    expect(textOf(cut(disk, 'lost'))).toBe('new');
  });

  it('forgets a new file whose directory was not flushed, whatever was done to the file itself', () => {
    const made: DiskStep = { kind: 'make-file', path: '/r/d/log' };
    const steps = [made, write('x', 0, '/r/d/log'), flush('/r/d/log', 2)];

    expect(textOf(cut(diskAfter(...steps), 'no-names'), '/r/d/log')).toBeUndefined();
    expect(textOf(cut(diskAfter(...steps, flush('/r/d', 3)), 'no-names'), '/r/d/log')).toBe('x');
  });

  it('forgets a file in a directory that was not put on disk itself', () => {
    const steps: DiskStep[] = [
      { kind: 'make-directory', path: '/r/e' },
      { kind: 'make-file', path: '/r/e/f' },
      flush('/r/e/f', 2),
      flush('/r/e', 3),
    ];

    expect(cut(diskAfter(...steps), 'lost').has('/r/e/f')).toBe(false);
    expect(cut(diskAfter(...steps, flush('/r', 4)), 'lost').has('/r/e/f')).toBe(true);
  });

  it('brings back a file whose removal was not flushed, under its old name and with its bytes', () => {
    const disk = diskAfter(
      { kind: 'rename', from: FILE, path: '/r/d/b' },
      { kind: 'unlink', path: '/r/d/b' },
    );

    expect(textOf(cut(disk, 'lost'))).toBe('old');
    expect([...cut(disk, 'kept').keys()]).toEqual(['/r/d']);
  });

  it('reads zeros where a file was cut short and grew again', () => {
    expect(textOf(cut(diskAfter({ kind: 'truncate', path: FILE, size: 1 }, write('!', 3)), 'kept'))).toBe(
      'o\0\0!',
    );
  });

  it('tears a write at a sector, and nothing else', () => {
    const text = 'n'.repeat(2_000);
    const sizes = Array.from({ length: 40 }, (_, seed) => {
      const image = imageOf(diskAfter(write(text)), 'torn', chanceOf(seed));
      return textOf(image)?.match(/^n*/)?.[0].length ?? 0;
    });

    expect(new Set(sizes)).toEqual(new Set([0, 512, 1_024, 1_536]));
  });
});

const hex = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');

function stepsOf(...lines: string[]): Step[] {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-trace-'));
  try {
    writeFileSync(join(folder, 'trace'), `${lines.join('\n')}\n`);
    return readTrace(join(folder, 'trace'), { root: '/r', notes: '/notes' });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('the reader of traces', () => {
  const file = `5<${hex(FILE)}>`;

  it('reads writes, flushes and notes in their order', () => {
    const note = JSON.stringify({ note: 'opened' });
    const steps = stepsOf(
      `12 pwrite64(${file}, "${hex('abc')}", 3, 4096) = 3`,
      `12 fsync(${file}) = 0`,
      `13 write(9<${hex('/notes')}>, "${hex(`${note}\n`)}", 18) = 18`,
      `12 ftruncate(${file}, 7) = 0`,
      `12 unlink("${hex('/r/d/x')}") = -1 ENOENT (No such file or directory)`,
    );

    expect(steps).toEqual([
      { kind: 'write', path: FILE, at: 4_096, data: Buffer.from('abc') },
      { kind: 'flush', path: FILE, begun: 1 },
      { kind: 'note', note: { note: 'opened' } },
      { kind: 'truncate', path: FILE, size: 7 },
    ]);
  });

  it('counts a write from its beginning and a flush from its end', () => {
    const steps = stepsOf(
      `12 fsync(${file} <unfinished ...>`,
      `13 pwrite64(${file}, "${hex('abc')}", 3, 0 <unfinished ...>`,
      `12 <... fsync resumed>) = 0`,
      `13 <... pwrite64 resumed>) = 3`,
    );

    expect(steps).toEqual([
      { kind: 'write', path: FILE, at: 0, data: Buffer.from('abc') },
      { kind: 'flush', path: FILE, begun: 0 },
    ]);
  });

  it('leaves the shared memory of the processes out, and everything that is elsewhere', () => {
    expect(
      stepsOf(
        `12 pwrite64(5<${hex(`${FILE}-shm`)}>, "${hex('a')}", 1, 4095) = 1`,
        `12 pwrite64(5<${hex('/elsewhere/x.db')}>, "${hex('a')}", 1, 0) = 1`,
      ),
    ).toEqual([]);
  });

  it('refuses what it could not replay', () => {
    expect(() => stepsOf(`12 pwritev(${file}, [{iov_base="", iov_len=0}], 1, 0) = 3`)).toThrow(/pwritev/);
    expect(() => stepsOf(`12 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, ${file}, 0) = 0x7f`)).toThrow(
      /mmap/,
    );
    expect(() => stepsOf(`12 pwrite64(${file}, "${hex('abc')}"..., 9, 0) = 9`)).toThrow(/limit/);
  });
});
