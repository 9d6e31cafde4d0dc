/** The repository's own files, as the house rules see them. */

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root: string = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

const NOT_OURS = new Set(['node_modules', 'dist', '.git', '.cache', '.millrace', '.run', 'coverage']);

/** A copy without git, for example an unpacked archive, is walked instead. */
function walk(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    return entry.isDirectory() ? walk(path) : [path];
  });
}

function listed(): string[] {
  if (!existsSync(join(root, '.git'))) return walk('');
  const args = ['ls-files', '--cached', '--others', '--exclude-standard'];
  const names = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\n');
  return [...new Set(names)].filter((name) => name !== '' && existsSync(join(root, name)));
}

/** Tracked files and those about to be, with slashes, sorted. */
export const files: readonly string[] = listed().sort();

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export const isTest = (path: string): boolean => path.endsWith('.test.ts');
export const isSource = (path: string): boolean => path.startsWith('src/') && path.endsWith('.ts');
export const isCode = (path: string): boolean => /\.(ts|mts|mjs|js)$/.test(path);

export const sources: readonly string[] = files.filter(isSource);
export const code: readonly string[] = files.filter(isCode);
