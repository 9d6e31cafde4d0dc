import type { Bytes } from '../../job/record.ts';
import type { Change, ChangeKind, FeedPage, FeedRequest } from '../store.ts';
import { Cursor } from './cursor.ts';
import type { Engine } from './engine.ts';
import { FEED_OF } from './read-scripts.ts';
import { bytesOf, listOf, type Reply, textOf } from './reply.ts';

/** No change that comes later is at or below `least`. Asking keeps the recording on; a queue that was not recorded until now is from here on. */
export async function feed(engine: Engine, request: FeedRequest, least = 0): Promise<FeedPage> {
  const { after, limit, keepMs } = request;
  const names = [...new Set(request.queues)];
  const args = [least, after ?? '', limit, keepMs, names.length, ...names];
  const cursor = new Cursor(await engine.write(FEED_OF, args));
  const last = cursor.number();
  const complete = cursor.number() === 1;
  const pages = listOf(cursor.next());
  const changes: Change[] = [];
  for (let index = 0; index < pages.length; index += 2) {
    const queue = textOf(pages[index]);
    for (const entry of listOf(pages[index + 1])) changes.push(changeOf(entry, queue));
  }
  // Each queue gave as many as are wanted of all together.
  const first = changes.sort((one, other) => one.cursor - other.cursor).slice(0, limit);
  const isFull = first.length === limit;
  return { changes: first, cursor: isFull ? (first.at(-1)?.cursor ?? last) : last, complete };
}

/** An entry of a stream: its id, and names and values in turn. */
function changeOf(entry: Reply, queue: string): Change {
  const [id, fields] = listOf(entry);
  const values = listOf(fields);
  const value = (index: number): string => textOf(values[2 * index + 1]);
  return {
    cursor: Number.parseInt(textOf(id), 10),
    at: Number(value(0)),
    queue,
    kind: value(1) as ChangeKind,
    id: value(2),
    name: value(3),
    data: values.length > 8 ? dataOf(values[9]) : null,
  };
}

function dataOf(reply: Reply | undefined): Bytes {
  return new Uint8Array(bytesOf(reply));
}
