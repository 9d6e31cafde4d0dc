/** Which jobs a command means: ids, `queue/id`, or a search. */

import { InvalidOptionError, JobNotFoundError, NotFoundError } from '../errors.ts';
import type { JobFilter } from '../job/filter.ts';
import { MAX_PAGE, MAX_SCAN, QUEUE_NAME } from '../job/limits.ts';
import type { JobRecord } from '../job/record.ts';
import { parseSearch, SEARCH_KEYS } from '../job/search.ts';
import { suggest } from '../job/suggest.ts';
import type { Store } from '../store/store.ts';
import { requireQueues } from './apply.ts';
import type { Opened } from './open-store.ts';

export type Selection =
  | { readonly kind: 'ids'; readonly ids: readonly string[] }
  | { readonly kind: 'search'; readonly filter: JobFilter };

const CONDITION = new RegExp(`(?:^|\\s)(?:${SEARCH_KEYS.join('|')})(?:\\.[^\\s:]+)?:`);

/** Words that hold a condition of the search grammar are a search, all of them together; others are ids. */
export async function selectionOf(
  opened: Opened<{ readonly queue?: string }>,
  words: readonly string[],
): Promise<Selection> {
  if (words.length > 0 && !CONDITION.test(words.join(' '))) return { kind: 'ids', ids: words };
  return { kind: 'search', filter: await searchOf(opened, words) };
}

/** The search that the words and `--queue` make together: both must hold. */
export async function searchOf(
  opened: Opened<{ readonly queue?: string }>,
  words: readonly string[],
): Promise<JobFilter> {
  const { queue } = opened.options;
  const filter = parseSearch(words.join(' '));
  if (queue === undefined) return filter;
  await requireQueues(opened, [queue]);
  if (filter.queues === undefined || filter.queues.includes(queue)) return { ...filter, queues: [queue] };
  const message = `contradicts the search, which asks for ${filter.queues.join(', ')}`;
  throw new InvalidOptionError('the command line', [{ path: '--queue', message }]);
}

/**
 * The job of an id as people give it: alone, with its queue in front (`emails/42`), or with `--queue`.
 *
 * @throws JobNotFoundError, NotFoundError when there is none; InvalidOptionError when several queues have it.
 */
export async function findJob(store: Store, id: string, queue?: string): Promise<JobRecord> {
  if (queue !== undefined) {
    const job = await store.job({ queue, id });
    if (job === null) throw new JobNotFoundError(queue, id);
    return job;
  }
  return (await jobByPath(store, id)) ?? (await jobById(store, id));
}

async function jobByPath(store: Store, path: string): Promise<JobRecord | null> {
  const slash = path.indexOf('/');
  const queue = path.slice(0, Math.max(0, slash));
  if (!QUEUE_NAME.test(queue) || slash === path.length - 1) return null;
  return store.job({ queue, id: path.slice(slash + 1) });
}

async function jobById(store: Store, id: string): Promise<JobRecord> {
  const found: JobRecord[] = [];
  let cursor: string | null = null;
  do {
    const page = await store.find({ ids: [id] }, { cursor, limit: MAX_PAGE, scan: MAX_SCAN });
    found.push(...page.jobs);
    cursor = page.cursor;
  } while (cursor !== null);
  const [job, ...others] = found;
  if (job === undefined) throw new NotFoundError(`no queue has a job "${id}".${hintFor(id)}`);
  if (others.length === 0) return job;
  const paths = found.map((each) => `${each.queue}/${each.id}`).join(' or ');
  const message = `"${id}" is in ${found.length} queues: say ${paths}`;
  throw new InvalidOptionError('the command line', [{ path: 'id', message }]);
}

function hintFor(id: string): string {
  const [key = '', value] = id.split(':', 2);
  const meant = value === undefined ? null : suggest(key, SEARCH_KEYS);
  if (meant !== null) return ` Did you mean the search "${meant}:${value}"?`;
  return " It may have been discarded, or pruned by its queue's retention.";
}
