/**
 * The warehouse: a server of somebody else's, for all that the shop knows. It fails now and then, in ways that are
 * drawn from the order's number, so that every run of the example meets the same troubles.
 */

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openFolder, writeOnce } from './write-once.mjs';

const SLOW_MS = 1_500;

/** Of a thousand requests, so many meet this trouble. After two troubles an order has had its share. */
const TROUBLES = [
  ['busy', 60],
  ['hangs up', 25],
  ['hangs up after the work', 10],
  ['slow', 8],
];

function troubleOf(order, nth) {
  if (nth > 2) return null;
  let draw = createHash('sha256').update(`${order} ${nth}`).digest().readUInt32BE() % 1_000;
  for (const [name, share] of TROUBLES) {
    if (draw < share) return name;
    draw -= share;
  }
  return null;
}

/** What the warehouse will never ship, and where it does not ship at present. */
function refusalOf({ address }) {
  if (/^(po box|postfach|bp)\b/i.test(address?.street ?? ''))
    return [422, 'no carrier delivers to a post box'];
  if (address?.country === 'AQ') return [503, 'the depot is closed for the winter'];
  return null;
}

async function bodyOf(request) {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return JSON.parse(text);
}

function answer(response, status, text) {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
}

/** Each shipment is a file of its own, written once: the second notice of an order ships nothing more. */
function accept(folder, shipment) {
  return writeOnce(join(folder, `${shipment.order}.json`), `${JSON.stringify(shipment)}\n`);
}

async function serve(folder, seen, request, response) {
  const shipment = await bodyOf(request);
  const nth = (seen.get(shipment.order) ?? 0) + 1;
  seen.set(shipment.order, nth);
  const refusal = refusalOf(shipment);
  if (refusal) return answer(response, ...refusal);
  const trouble = troubleOf(shipment.order, nth);
  if (trouble === 'busy') return answer(response, 503, 'too busy, come back later');
  if (trouble === 'hangs up') return request.socket.destroy();
  const isNew = await accept(folder, shipment);
  if (trouble === 'hangs up after the work') return request.socket.destroy();
  if (trouble === 'slow') await wait(SLOW_MS);
  return answer(response, isNew ? 201 : 200, isNew ? 'will ship' : 'known already');
}

/** Listens on loopback, on a port that is free. */
export async function openWarehouse(folder) {
  await openFolder(folder);
  const seen = new Map();
  const server = createServer((request, response) => {
    serve(folder, seen, request, response).catch(() => request.socket.destroy());
  });
  await new Promise((resolve, reject) => server.on('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
