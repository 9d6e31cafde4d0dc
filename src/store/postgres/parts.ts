import { MIGRATIONS } from './migrations.ts';

const MADE =
  /\b(create|drop)\s+(?:or\s+replace\s+)?(?:unlogged\s+|unique\s+)*(table|view|sequence|index|function|procedure)\s+(?:if\s+(?:not\s+)?exists\s+)?(?:\{s\}\.)?(\w+)/g;

/** Tables, views and sequences have one space of names. */
const KINDS: Readonly<Record<string, string>> = {
  ...{ table: 'table', view: 'table', sequence: 'table', index: 'index', function: 'function' },
  procedure: 'function',
};

/** All that the migrations leave behind, as `table job`, `index job_id`, `function add_v1`. */
export function expectedParts(): string[] {
  const parts = new Set<string>();
  for (const { sql } of MIGRATIONS) {
    for (const [, verb, kind = '', name] of sql.matchAll(MADE)) {
      const part = `${KINDS[kind]} ${name}`;
      if (verb === 'create') parts.add(part);
      else parts.delete(part);
    }
  }
  return [...parts];
}
