/** A disk that fills up, for real: a small file system in memory. */

import { spawnSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, Queue } from 'millrace';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacking, makeFolder, millrace, Troubled } from './troubled.ts';

const MIB = 1024 * 1024;
const noMount = lacking('mount');
const noStrace = lacking('strace');

describe.skipIf(noMount !== null)('a disk that is full', () => {
  const { folder, remove } = makeFolder();
  const path = join(folder, 'jobs.db');
  const ballast = join(folder, 'ballast');
  beforeAll(() => {
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=700', 'tmpfs', folder]).status).toBe(0);
  });
  afterAll(() => {
    spawnSync('umount', [folder]);
    remove();
  });

  /** Somebody else writes until no more than so much is left. */
  const fill = (leftBytes: number): void => {
    const { bavail, bsize } = statfsSync(folder);
    try {
      writeFileSync(ballast, new Uint8Array(Math.max(0, bavail * bsize - leftBytes)));
    } catch {
      // Somebody was faster, and it is full.
    }
  };

  it('refuses new jobs, ends those that are there, and goes on by itself when there is room', async () => {
    const troubled = new Troubled(path);
    try {
      await troubled.more('completed', 10);
      fill(0);
      await troubled.more('refused', 20);
      expect(statfsSync(folder).bavail).toBe(0);
      // What had been acknowledged is done meanwhile, and no lease is lost.
      expect(troubled.all('refused').map(({ name }) => name)).toEqual(
        troubled.all('refused').map(() => 'StoreFullError'),
      );
      const status = millrace(path, 'status');
      const doctor = millrace(path, 'doctor');
      expect(status.text).toMatch(/STORE TROUBLE: the disk has 0 KiB of 24 MiB left; adding jobs is refused/);
      expect(status.code).toBe(3);
      expect(doctor.text).toMatch(/^error +disk-space: .*\n +→ Make room on the disk/m);

      rmSync(ballast);
      await troubled.more('acknowledged', 10);
      await troubled.more('completed', 10);
      expect(millrace(path, 'status').text).not.toMatch(/STORE TROUBLE/);
      expect(troubled.all('lease-lost')).toEqual([]);
      expect(troubled.all('error').length).toBeLessThanOrEqual(2);
    } finally {
      await troubled.stop();
    }
    await troubled.expectNothingLost();
    const refused = troubled.ids('refused');
    const connected = connect(`sqlite:${path}`);
    for (const id of refused) expect(await connected.store.job({ queue: 'mail', id })).toBeNull();
    await connected.release();
  });

  it('keeps room for the ends of a backlog when it was filled by adding', async () => {
    const url = `sqlite:${join(folder, 'filled.db')}`;
    const queue = new Queue('mail', { connection: url });
    const text = 'x'.repeat(20_000);
    let added = 0;
    const refusal: unknown = await (async () => {
      for (; added < 3_000; added += 10) {
        await queue.addBulk(Array.from({ length: 10 }, () => ({ name: 'letter', data: { text } })));
      }
    })().catch((error: unknown) => error);

    expect(refusal).toMatchObject({
      code: 'MILLRACE_STORE_FULL',
      message: expect.stringMatching(/no job was added/),
    });
    expect(statfsSync(folder).bavail).toBeGreaterThan(0);
    const { store, release } = connect(url);
    let done = 0;
    for (;;) {
      const request = { claimId: `c${done}`, queue: 'mail', limit: 50, worker: 'w', leaseMs: 30_000 };
      const [answer] = await store.claim([request]);
      const jobs = answer?.jobs ?? [];
      if (jobs.length === 0) break;
      await store.commit(
        jobs.map(({ lease }) => ({ lease, mode: 'strict', next: { to: 'completed', result: null } })),
      );
      done += jobs.length;
    }
    expect(done).toBe(added);
    expect(await store.verify()).toEqual([]);
    await queue.close();
    await release();
    rmSync(join(folder, 'filled.db'));
  });

  it('is told of before it is full', () => {
    fill(1.5 * MIB);
    expect(millrace(path, 'status').text).toMatch(
      /notice +store: the disk has 1\.\d MiB of 24 MiB left; below 1\.2 MiB/,
    );
    expect(millrace(path, 'doctor').text).toMatch(/^warning +disk-space: /m);
    rmSync(ballast);
  });
});

describe.skipIf(noStrace !== null)('a quota that is used up, which the free space does not show', () => {
  const { folder, remove } = makeFolder();
  afterAll(remove);

  it('costs no acknowledged job, and is over when it is over', async () => {
    const path = join(folder, 'jobs.db');
    const rule = 'inject=pwrite64:error=ENOSPC:when=300..360';
    const troubled = new Troubled(path, { inject: [rule] });
    try {
      await troubled.more('error', 1);
      await troubled.more('recovered', 1);
      await troubled.more('completed', 10);
    } finally {
      await troubled.stop();
    }
    expect(troubled.all('error').map(({ name }) => name)).toContain('StoreFullError');
    await troubled.expectNothingLost();
  });
});
