import { expect, test } from 'vitest';
import { SchemaVersionError } from '../../errors.ts';
import { testStore } from '../../testing/index.ts';
import { capture } from '../captured.ts';
import { durabilityFinding, nodeFinding } from './doctor.ts';

test('findings are shown with what to do, and a warning is no failure', async () => {
  const t = testStore();

  const { code, out } = await capture(['doctor', '--verify'], { connection: t.connection });

  expect(code).toBe(0);
  expect(out).toMatch(/^ok\s+node: Node /m);
  expect(out).toMatch(/^warning\s+durability: .*\n\s+→ /m);
  expect(out).toMatch(/^ok\s+verify: all counts/m);
});

test('an error of the store is a finding, and the exit code is 3', async () => {
  const t = testStore();
  const doctor = async (): Promise<never> => {
    throw new SchemaVersionError('the store was written by a newer version.');
  };
  const connection = { ...t.connection, store: { ...t.store, doctor } };

  const { code, out } = await capture(['doctor', '--json'], { connection });

  expect(code).toBe(3);
  expect(JSON.parse(out)).toMatchObject({
    ok: false,
    findings: [
      { check: 'node' },
      {
        severity: 'error',
        check: 'store',
        advice: expect.stringMatching(/trouble\.md \(MILLRACE_SCHEMA_VERSION\)/),
      },
    ],
  });
});

test('a Node that is too old is an error with the version to install', () => {
  expect(nodeFinding('20.19.0').severity).toBe('ok');
  expect(nodeFinding('24.0.0').severity).toBe('ok');
  expect(nodeFinding('20.18.3')).toMatchObject({ severity: 'error', advice: 'Install Node 20.19 or newer.' });
  expect(nodeFinding('18.20.0').severity).toBe('error');
});

test('what an acknowledged job survives is said, and less than a disk is a warning', () => {
  expect(durabilityFinding({ level: 'disk', detail: 'WAL, FULL' })).toMatchObject({
    severity: 'ok',
    message: 'acknowledged jobs survive a power cut (WAL, FULL)',
  });
  expect(durabilityFinding({ level: 'os', detail: 'NORMAL' })).toMatchObject({ severity: 'warning' });
});
