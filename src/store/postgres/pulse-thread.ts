/** Beats the sessions of a process while its event loop stands still, by a connection that is open only then. */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type Beaten, Beater } from '../../pulse/beater.ts';
import { systemClock } from '../../runtime/clock.ts';
import { loadDriver } from './driver.ts';
import { Engine } from './engine.ts';
import type { ThreadPlace } from './pulse-place.ts';
import { keepAlive } from './sessions.ts';

export interface PulseData {
  readonly place: ThreadPlace;
}

export type PulseRequest =
  | { readonly kind: 'keep'; readonly pulsed: Beaten }
  | { readonly kind: 'drop'; readonly session: string; readonly id: number }
  /** The newest answer of the application's function. */
  | { readonly kind: 'password'; readonly password: string }
  | { readonly kind: 'close' };

export type PulseMessage =
  | { readonly kind: 'dropped'; readonly id: number }
  | { readonly kind: 'missed'; readonly ids: readonly string[]; readonly message: string };

function serve(port: MessagePort, { place }: PulseData): void {
  let password: string | null = null;
  const send = (message: PulseMessage): void => port.postMessage(message);
  const client = { ...place.client, ...(changes(place) && { password: () => password ?? '' }) };
  const engine = new Engine({ place: { ...place, client }, clock: systemClock, onNews: () => undefined });
  const beater = new Beater({
    clock: systemClock,
    standsIn: true,
    beat: (sessions) => engine.call((db) => keepAlive(db, sessions)),
    onFault: ({ message }, ids) => send({ kind: 'missed', ids, message }),
  });
  port.on('message', async (request: PulseRequest) => {
    if (request.kind === 'keep') beater.keep(request.pulsed);
    if (request.kind === 'password') password = request.password;
    if (request.kind === 'drop') {
      await beater.drop(request.session);
      send({ kind: 'dropped', id: request.id });
    }
    if (request.kind === 'close') {
      beater.stop();
      await engine.close();
      port.close();
    }
  });
}

/** A password that changes stands in the options without a value. */
function changes({ client }: ThreadPlace): boolean {
  return 'password' in client && client['password'] === undefined;
}

if (parentPort !== null) {
  // Now, while there is time: when it is needed there is none. A driver that is missing is told by the first beat.
  loadDriver().catch(() => undefined);
  serve(parentPort, workerData as PulseData);
}
