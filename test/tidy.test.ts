/** The house rules, run as a test. Each failure names the file and where to read on. */

import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { codeOnly } from './tidy/code-only.ts';
import { code, files, read, root, sources } from './tidy/files.ts';
import { badImports, cycles, loadedWith, MAY_IMPORT, roomOf, specifiersOf } from './tidy/imports.ts';
import { PUBLIC_NAMES } from './tidy/public-names.ts';
import { exportedNames, manifest, missingFromBuild, namesOf } from './tidy/surface.ts';
import { breaks, brokenLinks, importsShownIn, linesThat, missingSources } from './tidy/texts.ts';
import { badWords, machineUses } from './tidy/words.ts';

const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 70;
const MAX_README_LINES = 200;

const lineCount = (file: string): number => read(file).trimEnd().split('\n').length;

describe('rooms', () => {
  it('imports only what the table allows', () => {
    expect(badImports()).toEqual([]);
  });

  it('has no import cycle', () => {
    expect(cycles()).toEqual([]);
  });

  it('loads at its start what every program needs, and the rest when it is used', () => {
    const loaded = (entry: string): string => [...loadedWith(entry)].join('\n');
    const queue = loaded('src/index.ts');
    expect(queue).toContain('src/worker/engine.ts');
    expect(queue).not.toMatch(
      /store\/(sqlite|postgres|redis|memory)\/|child-pool|history\/(open|record-)|src\/cli/,
    );
    // The engine is on its thread; here is what speaks with it.
    const sqlite = loaded('src/store/sqlite/index.ts');
    expect(sqlite).toContain('src/store/sqlite/engine-link.ts');
    expect(sqlite).not.toMatch(
      /sqlite\/(engine|engine-inline|engine-thread|join|driver|migrations|verbs)\.ts/,
    );
    expect(loaded('src/cli/main.ts')).not.toMatch(
      /cli\/commands\/|store\/(sqlite|postgres|redis)\/|worker\//,
    );
  });

  it('has the table of this test in ARCHITECTURE.md', () => {
    const text = read('ARCHITECTURE.md');
    const rooms = Object.keys(MAY_IMPORT).filter((room) => !['errors', 'index'].includes(room));
    expect(rooms.filter((room) => !text.includes(`| \`${room}\``))).toEqual([]);
  });

  it('reads imports in every form they are written in', () => {
    expect(specifiersOf('test/tidy/imports.ts')).toEqual(['node:path/posix', './files.ts']);
    expect(roomOf('src/store/sqlite/claim.ts')).toBe('store/sqlite');
    expect(roomOf('src/store/store.ts')).toBe('store');
    expect(roomOf('src/connect.ts')).toBe('connect');
  });
});

describe('sizes', () => {
  it(`has no file of code over ${MAX_FILE_LINES} lines`, () => {
    expect(code.filter((file) => lineCount(file) > MAX_FILE_LINES)).toEqual([]);
  });

  it(`lets Biome refuse functions over ${MAX_FUNCTION_LINES} lines, in everything but tests`, () => {
    const biome = JSON.parse(read('biome.json'));
    const rule = biome.linter.rules.complexity.noExcessiveLinesPerFunction;
    const eased = biome.overrides.filter(
      (override: { linter: { rules: { complexity?: object } } }) => override.linter.rules.complexity,
    );
    expect(rule).toEqual({ level: 'error', options: { maxLines: MAX_FUNCTION_LINES } });
    expect(eased.flatMap((override: { includes: string[] }) => override.includes)).toEqual([
      '**/*.test.ts',
      'src/testing/conformance/**',
      'test/**',
    ]);
  });

  it(`has a README of at most ${MAX_README_LINES} lines`, () => {
    expect(lineCount('README.md')).toBeLessThanOrEqual(MAX_README_LINES);
  });
});

describe('words', () => {
  it('uses no banned synonym as an identifier or a file name', () => {
    expect(badWords()).toEqual([]);
  });

  it('asks for time, timers and randomness only in runtime/', () => {
    expect(machineUses()).toEqual([]);
  });

  it('looks at identifiers, not at comments and strings', () => {
    const text = [
      "const a = 'task'; // task",
      'const b = /task/g;',
      `const c = \`task $\{taskCount} task\`; /* task */`,
    ].join('\n');
    expect(codeOnly(text).match(/\w*task\w*/g)).toEqual(['taskCount']);
    expect(codeOnly(text)).toHaveLength(text.length);
  });

  it('leaves no note of work undone', () => {
    expect(breaks.mark(`// ${'TO' + 'DO'}: later`)).toBe(true);
    expect(linesThat(breaks.mark)).toEqual([]);
  });

  it('names no place on a machine and no host that packages come from', () => {
    expect(breaks.machinePath(` "/${'home'}/ada/x"`)).toBe(true);
    expect(breaks.downloadHost(`"https://${'regis' + 'try'}.example/x"`)).toBe(true);
    expect(linesThat(breaks.machinePath)).toEqual([]);
    expect(linesThat(breaks.downloadHost)).toEqual([]);
  });

  it('has no default export in src', () => {
    expect(sources.filter((file) => /\bexport default\b/.test(codeOnly(read(file))))).toEqual([]);
  });
});

describe('package', () => {
  it('has every entry, its types and every command in the build', () => {
    expect(missingFromBuild()).toEqual([]);
  });

  it('exports the names that were agreed on, and no others', () => {
    expect(exportedNames()).toEqual(PUBLIC_NAMES);
  });

  it('reads names in every form they are exported in', () => {
    expect(namesOf('export { A, type B } from "x"; export declare class C {}\nexport type D = 1;')).toEqual([
      'A',
      'B',
      'C',
      'D',
    ]);
  });

  it('depends on one package at run time and installs no driver', () => {
    const parsed = JSON.parse(read('package.json'));
    expect(Object.keys(parsed.dependencies)).toEqual(['commander']);
    expect(parsed.peerDependenciesMeta).toEqual({
      '@photostructure/sqlite': { optional: true },
      ioredis: { optional: true },
      pg: { optional: true },
    });
    expect(Object.keys(parsed.scripts).filter((name) => /install|prepare|^(pre|post)/.test(name))).toEqual(
      [],
    );
    expect(manifest.files).toContain('dist');
  });
});

describe('documents', () => {
  it('shows examples/hello.mjs as the first program of the README', () => {
    const program = /```js\n([\s\S]*?)```/.exec(read('README.md'))?.[1];
    expect(program).toBe(read('examples/hello.mjs'));
  });

  it('explains every error in docs/reference/errors.md, made anew when src/errors.ts changes', () => {
    const args = ['scripts/make-errors-doc.mjs', '--check'];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('imports in its programs only what the package exports', () => {
    const shown = files
      .filter((file) => /\.(md|mjs)$/.test(file))
      .flatMap((file) => importsShownIn(file).map(([subpath, name]) => ({ file, subpath, name })));

    expect(shown.length).toBeGreaterThan(10);
    expect(shown.filter(({ subpath, name }) => !PUBLIC_NAMES[subpath]?.includes(name))).toEqual([]);
  });

  it('names only sources that are there', () => {
    expect(missingSources('ARCHITECTURE.md')).toEqual([]);
    expect(missingSources('CONTRIBUTING.md')).toEqual([]);
  });

  it('links only to files that are there', () => {
    const broken = files
      .filter((file) => file.endsWith('.md'))
      .flatMap((file) => brokenLinks(file).map((link) => `${file}: ${link}`));
    expect(broken).toEqual([]);
  });
});
