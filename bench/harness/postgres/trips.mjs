/**
 * Stands between a client and the server and counts what passes: statements by what the server says it has completed,
 * round trips by how often it says that it waits for the next. It costs time, so that nothing is timed through it.
 */

import { connect, createServer } from 'node:net';

const COMPLETED = 'C'.charCodeAt(0);
const READY = 'Z'.charCodeAt(0);
const HEAD_BYTES = 5;

/** Told of every message of the server by its type. A message is a byte, then its length with the length itself. */
export function readerOf(onMessage) {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= HEAD_BYTES) {
      const size = rest.readInt32BE(at + 1) + 1;
      if (rest.length - at < size) break;
      onMessage(rest[at]);
      at += size;
    }
    rest = rest.subarray(at);
  };
}

export function countTrips(port) {
  const counts = { statements: 0, roundTrips: 0 };
  const read = (type) => {
    if (type === COMPLETED) counts.statements += 1;
    if (type === READY) counts.roundTrips += 1;
  };
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
    upstream.on('data', readerOf(read));
    client.pipe(upstream).pipe(client);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
  });
  server.unref();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () =>
      resolve({ port: server.address().port, counts: () => ({ ...counts }) }),
    );
  });
}
