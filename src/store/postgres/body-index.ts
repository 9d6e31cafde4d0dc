import type { JobFilter } from '../../job/filter.ts';
import type { Transaction } from './transaction.ts';

/** The expression, as the server spells it in the definition of an index; its path is a literal. */
const DEFINED = /body_key_v1\(body, content_type, ('(?:[^']|'')*'(?:::text\[\])?)\)/;
const INDEXES = `
  select pg_get_indexdef(i.indexrelid) as definition from pg_index i
  where i.indrelid = to_regclass($1) and i.indisvalid and i.indexprs is not null`;
const PATH = 'select array_to_json($1::text[])::text as path';

/** A condition that such an index answers, with the value to look for as its parameter. */
export interface BodyIndex {
  readonly condition: string;
  readonly value: string;
}

/** For one of the paths that the filter names; null when there is no index for any of them. */
export async function bodyIndexFor(
  { db }: Transaction,
  data: NonNullable<JobFilter['data']>,
  parameter: number,
): Promise<BodyIndex | null> {
  const defined = await db.all<{ definition: string }>(INDEXES, db.named('{s}.job'));
  for (const { definition } of defined) {
    const literal = DEFINED.exec(definition)?.[1];
    if (literal === undefined) continue;
    const text = literal
      .replace(/::text\[\]$/, '')
      .slice(1, -1)
      .replaceAll("''", "'");
    const path = (await db.get<{ path: string }>(PATH, text))?.path;
    const wanted = data.find((each) => JSON.stringify(each.path) === path);
    if (wanted === undefined) continue;
    // The literal comes from the server itself, and not from whoever searches.
    const key = `{s}.body_key_v1(body, content_type, ${literal})`;
    return { condition: `${key} = left({s}.key_of_v1($${parameter}), 500)`, value: wanted.value };
  }
  return null;
}
