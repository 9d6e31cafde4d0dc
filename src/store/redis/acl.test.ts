import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { COMMANDS } from './acl.ts';

const here = new URL('.', import.meta.url);
const within = (folder: string): string[] =>
  readdirSync(new URL(folder, here))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => readFileSync(new URL(`${folder}${file}`, here), 'utf8'));

test('every command of a script and of the engine is among those that the user of a connection is given', () => {
  const texts = [...within('lua/'), ...within('./')];
  const used = texts.flatMap((text) =>
    [...text.matchAll(/\b(?:call|pcall)\(\s*'([A-Za-z]+)'/g)].map(([, name = '']) => name.toLowerCase()),
  );

  expect(used.length).toBeGreaterThan(50);
  expect([...new Set(used)].filter((name) => !COMMANDS.has(name) && name !== 'config')).toEqual([]);
});
