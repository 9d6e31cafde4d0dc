/** What must not stand in any file of the repository. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { files, read, root } from './files.ts';

const isText = (file: string): boolean => !/\.(png|ico|pdf|tgz|ndjson)$/.test(file);

/** Patterns are put together so that this file does not contain what it looks for. */
const MARKS = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b`);
const MACHINE_PATHS = new RegExp(`(^|[\\s"'\`(=])/(${['work', 'root', 'home'].join('|')})/[\\w.-]`);
const DOWNLOADED_FROM = new RegExp(
  `https?://[\\w.-]*(${['regis' + 'try', 'np' + 'mjs', 'mir' + 'ror'].join('|')})`,
);

export interface Line {
  readonly file: string;
  readonly text: string;
}

function* lines(): Generator<Line> {
  for (const file of files.filter(isText)) {
    for (const text of read(file).split('\n')) yield { file, text };
  }
}

export const breaks = {
  mark: (text: string): boolean => MARKS.test(text),
  machinePath: (text: string): boolean => MACHINE_PATHS.test(text),
  downloadHost: (text: string): boolean => DOWNLOADED_FROM.test(text) || text.includes('"resol' + 'ved":'),
};

export function linesThat(rule: (text: string) => boolean): string[] {
  return [...lines()]
    .filter(({ text }) => rule(text))
    .map(({ file, text }) => `${file}: ${text.trim().slice(0, 120)}`);
}

const LINK = /\]\((?!https?:|mailto:|#)([^)#\s]+)/g;

/** Links of a document to files that are not there. */
export function brokenLinks(file: string): string[] {
  const links = [...read(file).matchAll(LINK)].map((match) => match[1] ?? '');
  return links.filter((link) => !existsSync(join(root, dirname(file), link)));
}

const IMPORTED = /import\s+(?:type\s+)?\{([^}]+)\}\s+from\s+'millrace(\/[\w/]+)?'/g;

/** What a document's programs import from the package, as `[subpath, name]`. */
export function importsShownIn(file: string): (readonly [string, string])[] {
  return [...read(file).matchAll(IMPORTED)].flatMap(([, names = '', subpath = '']) =>
    names.split(',').map((name) => [`.${subpath}`, name.trim().replace(/^type\s+/, '')] as const),
  );
}

const SOURCE_NAMED = /`([a-z]+(?:\/[a-z*-]+)*\/[a-z-]+\.ts)`/g;

/** Sources that a document names, as `store/*\/claim.ts`, which are not there; `*` stands for every store. */
export function missingSources(file: string): string[] {
  const named = [...read(file).matchAll(SOURCE_NAMED)].map((match) => match[1] ?? '');
  const stores = ['memory', 'sqlite'];
  const meant = named.flatMap((name) =>
    name.includes('*') ? stores.map((store) => name.replace('*', store)) : [name],
  );
  return meant.filter((name) => !existsSync(join(root, 'src', name)) && !existsSync(join(root, name)));
}
