/** What each entry of the package gives away. A change here is a change of the API: say it in CHANGELOG.md. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { read, root } from './files.ts';

interface Manifest {
  readonly exports: Readonly<Record<string, string>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly files: readonly string[];
}

export const manifest: Manifest = JSON.parse(read('package.json')) as Manifest;

/** The built entries by their subpath; `./package.json` is no module. */
export const entries: readonly (readonly [string, string])[] = Object.entries(manifest.exports).filter(
  ([, file]) => file.endsWith('.js'),
);

export function missingFromBuild(): string[] {
  const modules = entries.flatMap(([, file]) => [file, file.replace(/\.js$/, '.d.ts')]);
  return [...modules, ...Object.values(manifest.bin)].filter((file) => !existsSync(join(root, file)));
}

const LIST = /export\s+(?:type\s+)?\{([^}]*)\}/g;
const DECLARED =
  /export\s+(?:declare\s+)?(?:abstract\s+)?(?:class|function|const|let|interface|type)\s+([A-Za-z_$][\w$]*)/g;

/** Values and types alike, as written in the declarations. */
export function namesOf(declarations: string): string[] {
  const listed = [...declarations.matchAll(LIST)].flatMap((match) => (match[1] ?? '').split(','));
  const names = listed.map((name) =>
    name
      .trim()
      .replace(/^type\s+/, '')
      .replace(/^.*\sas\s+/, ''),
  );
  const declared = [...declarations.matchAll(DECLARED)].map((match) => match[1] ?? '');
  return [...new Set([...names, ...declared])].filter((name) => name !== '').sort();
}

export function exportedNames(): Record<string, string[]> {
  return Object.fromEntries(
    entries.map(([subpath, file]) => {
      const declarations = join(root, file.replace(/\.js$/, '.d.ts'));
      return [subpath, namesOf(existsSync(declarations) ? readFileSync(declarations, 'utf8') : '')];
    }),
  );
}
