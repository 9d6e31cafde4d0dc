import { describe, expect, it } from 'vitest';
import { DriverMissingError, EnvironmentError } from '../../errors.ts';
import { chooseDriver, type Driver, isOlder, loadDriver } from './driver.ts';

const driver = (name: string, version: string): Driver => ({
  name,
  version,
  open: loadDriver('memory').open,
});

describe('the choice of a driver', () => {
  it('takes the first that is safe for a file', () => {
    const old = driver('node:sqlite', '3.51.2');
    const safe = driver('@photostructure/sqlite', '3.51.3');

    expect(chooseDriver('file', [old, safe])).toBe(safe);
    expect(chooseDriver('memory', [old, safe])).toBe(old);
  });

  it('names both ways out when there is none', () => {
    const choose = (): Driver => chooseDriver('memory', []);

    expect(choose).toThrow(DriverMissingError);
    expect(choose).toThrow(/npm i @photostructure\/sqlite@1.*Node 22\.22\.3/);
  });

  it('refuses a file when every SQLite at hand could corrupt it', () => {
    const choose = (): Driver => chooseDriver('file', [driver('node:sqlite', '3.46.1')]);

    expect(choose).toThrow(EnvironmentError);
    expect(choose).toThrow(/node:sqlite has SQLite 3\.46\.1.*npm i @photostructure\/sqlite@1/);
  });

  it('finds one here that is safe for a file', () => {
    expect(isOlder(loadDriver('file').version, '3.51.3')).toBe(false);
  });
});

describe('versions', () => {
  it.each([
    ['3.51.2', '3.51.3', true],
    ['3.51.3', '3.51.3', false],
    ['3.9.9', '3.51.3', true],
    ['3.100.0', '3.51.3', false],
    ['4.0.0', '3.51.3', false],
  ])('%s is older than %s: %s', (version, than, expected) => {
    expect(isOlder(version, than)).toBe(expected);
  });
});
