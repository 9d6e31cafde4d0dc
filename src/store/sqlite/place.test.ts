import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EnvironmentError } from '../../errors.ts';
import { add } from '../../testing/conformance/support.ts';
import { sqliteStore } from './index.ts';
import { isOpenToOthers, preparePlace } from './place.ts';

const rightsOf = (path: string): number => statSync(path).mode & 0o777;

describe.skipIf(process.platform === 'win32')('the place of a database', () => {
  let directory: string;
  beforeEach(() => {
    directory = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-')));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('is open to nobody but its owner, companions included', async () => {
    const path = join(directory, 'new', 'millrace.db');
    const store = sqliteStore({ path });
    await add(store);

    expect(rightsOf(join(directory, 'new'))).toBe(0o700);
    for (const file of [path, `${path}-wal`, `${path}-shm`]) expect(rightsOf(file)).toBe(0o600);
    await store.close();
  });

  it('may be a file that is there already, whose rights stay', () => {
    const path = join(directory, 'x.db');
    writeFileSync(path, '', { mode: 0o644 });

    expect(preparePlace(path)).toBe(path);
    expect(rightsOf(path)).toBe(0o644);
    expect(isOpenToOthers(path)).toBe(true);
  });

  it('is known by its real path, however it is reached', () => {
    mkdirSync(join(directory, 'real'));
    symlinkSync(join(directory, 'real'), join(directory, 'link'));

    expect(preparePlace(join(directory, 'link', 'x.db'))).toBe(join(directory, 'real', 'x.db'));
  });

  it('is not a symbolic link', () => {
    symlinkSync(join(directory, 'elsewhere.db'), join(directory, 'x.db'));

    expect(() => preparePlace(join(directory, 'x.db'))).toThrow(EnvironmentError);
    expect(() => preparePlace(join(directory, 'x.db'))).toThrow(/symbolic link/);
  });

  it('is not a directory that everybody may write', () => {
    chmodSync(directory, 0o777);
    expect(() => preparePlace(join(directory, 'x.db'))).toThrow(/may be written by everybody.*chmod o-w/);

    chmodSync(directory, 0o1777);
    expect(preparePlace(join(directory, 'x.db'))).toBe(join(directory, 'x.db'));
  });

  it('is a file', () => {
    expect(() => preparePlace(directory)).toThrow(/is not a file/);
  });

  it('says why when the directory cannot be made', () => {
    writeFileSync(join(directory, 'file'), '');

    expect(() => preparePlace(join(directory, 'file', 'x.db'))).toThrow(/cannot be used: /);
  });
});
