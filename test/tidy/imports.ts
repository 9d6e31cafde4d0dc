/** Who may import whom: the table of ARCHITECTURE.md, as a constant. */

import { dirname, join } from 'node:path/posix';
import { isTest, read, sources } from './files.ts';

/** `errors` is open to every room, and every room to itself. `store` is the seam: the files right in src/store. */
const SEAM = ['store', 'job', 'runtime', 'telemetry'];

export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  job: [],
  runtime: [],
  store: ['job'],
  'store/memory': ['store', 'job', 'runtime'],
  pulse: ['store', 'job', 'runtime'],
  listening: ['store', 'job', 'runtime'],
  'store/sqlite': ['store', 'job', 'runtime', 'pulse'],
  'store/postgres': ['store', 'job', 'runtime', 'pulse', 'listening'],
  'store/redis': ['store', 'job', 'runtime', 'pulse', 'listening'],
  telemetry: ['job', 'runtime'],
  history: [...SEAM],
  connect: [
    'store',
    'store/memory',
    'store/sqlite',
    'store/postgres',
    'store/redis',
    'job',
    'runtime',
    'telemetry',
    'history',
  ],
  queue: [...SEAM, 'connect'],
  upkeep: SEAM,
  worker: [...SEAM, 'connect', 'queue', 'upkeep', 'pulse'],
  testing: ['store', 'job', 'runtime', 'store/memory/index.ts'],
  cli: [...SEAM, 'history', 'connect', 'queue', 'upkeep', 'worker', 'testing', 'index'],
  index: [...SEAM, 'connect', 'queue', 'upkeep', 'worker'],
};

/** Packages from outside, a room each. Everything else is Node itself. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'store/sqlite': ['@photostructure/sqlite'],
  'store/postgres': ['pg'],
  'store/redis': ['ioredis'],
  cli: ['commander'],
};

/** What a test beside the sources may use on top of what its room may; `connect` promises something to its users. */
const FOR_TESTS_OF: Readonly<Record<string, readonly string[]>> = { connect: ['queue'] };
const FOR_TESTS = ['testing', 'store/memory/index.ts', 'runtime', 'store', 'job'];
const PACKAGES_FOR_TESTS = ['vitest', 'fast-check', 'zod'];

export interface Import {
  readonly from: string;
  readonly to: string;
}

/** `store/sqlite/claim.ts` → `store/sqlite`, `store/store.ts` → `store`, `errors.ts` → `errors`. */
export function roomOf(file: string): string {
  const parts = file.replace(/^src\//, '').split('/');
  if (parts.length === 1) return (parts[0] ?? '').replace(/(\.test)?\.ts$/, '');
  return parts[0] === 'store' && parts.length > 2 ? `store/${parts[1]}` : (parts[0] ?? '');
}

const SPECIFIER =
  /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]|new URL\(\s*['"](\.[^'"]+)['"]/g;

/** Every module that a text names: statically, by `import()`, and as a thread's file by `new URL`. */
function specifiersIn(text: string): string[] {
  return [...text.matchAll(SPECIFIER)].map((match) => match[1] ?? match[2] ?? match[3] ?? match[4] ?? '');
}

export function specifiersOf(file: string): string[] {
  return specifiersIn(read(file));
}

/** A path as sources write it, or `package:name`, or `node:name`. */
function resolve(from: string, specifier: string): string {
  if (specifier.startsWith('.')) return join(dirname(from), specifier);
  return specifier.startsWith('node:') ? specifier : `package:${specifier}`;
}

export const imports: readonly Import[] = sources.flatMap((from) =>
  specifiersOf(from).map((specifier) => ({ from, to: resolve(from, specifier) })),
);

function mayImport(from: string, to: string): boolean {
  const room = roomOf(from);
  const rooms = [
    ...(MAY_IMPORT[room] ?? []),
    ...(isTest(from) ? [...FOR_TESTS, ...(FOR_TESTS_OF[room] ?? [])] : []),
  ];
  const target = roomOf(to);
  return (
    target === room ||
    target === 'errors' ||
    rooms.includes(target) ||
    rooms.includes(to.replace(/^src\//, ''))
  );
}

function mayUse(from: string, name: string): boolean {
  const declared = PACKAGES[roomOf(from)] ?? [];
  return declared.includes(name) || (isTest(from) && PACKAGES_FOR_TESTS.includes(name));
}

function judge({ from, to }: Import): string | null {
  if (to.startsWith('node:')) return null;
  if (to.startsWith('package:')) {
    const name = to.slice('package:'.length);
    return mayUse(from, name) ? null : `${from}: ${roomOf(from)} may not use the package ${name}`;
  }
  if (!to.startsWith('src/')) return to === 'package.json' ? null : `${from}: reaches outside of src (${to})`;
  if (!MAY_IMPORT[roomOf(from)]) return `${from}: the room ${roomOf(from)} is not in the table`;
  return mayImport(from, to) ? null : `${from}: ${roomOf(from)} may not import ${to}; see ARCHITECTURE.md`;
}

export function badImports(): string[] {
  return imports.map(judge).filter((complaint) => complaint !== null);
}

const TYPES_ONLY = /(?:^|\n)\s*(?:import|export)\s+type\b[^;]*;/g;

/** What a file loads when it runs. Types may know each other: the table keeps circles out between rooms. */
function loadedBy(file: string): string[] {
  return specifiersIn(read(file).replace(TYPES_ONLY, '\n')).map((specifier) => resolve(file, specifier));
}

const ON_USE = /\bimport\(\s*['"][^'"]+['"]|new URL\(\s*['"][^'"]+['"]/g;

/** All files that come with this one, before anything of it is used. */
export function loadedWith(file: string, known: Set<string> = new Set()): ReadonlySet<string> {
  if (known.has(file)) return known;
  known.add(file);
  const text = read(file).replace(TYPES_ONLY, '\n').replace(ON_USE, '');
  for (const specifier of specifiersIn(text)) {
    const to = resolve(file, specifier);
    if (to.startsWith('src/')) loadedWith(to, known);
  }
  return known;
}

/** The first cycle found from each file, as a chain of files. */
export function cycles(): string[] {
  const edges = new Map(sources.map((file) => [file, loadedBy(file)]));
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) {
      found.push([...path.slice(path.indexOf(file)), file].join(' → '));
      return;
    }
    if (done.has(file)) return;
    for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of edges.keys()) visit(file, []);
  return found;
}
