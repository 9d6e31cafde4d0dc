/** What the server says when it gives up waiting for a standby: a warning, and not an error. */

import { StoreUnavailableError } from '../../errors.ts';
import type { PgPooled } from './driver.ts';

/** Where in the server the warning comes from. Its words depend on the language that the server speaks. */
const WAIT_FOR_STANDBY = 'SyncRepWaitForLSN';

/** Connections on which a wait was given up since somebody last took them. */
const abandoned = new WeakSet<PgPooled>();
const heeded = new WeakSet<PgPooled>();

interface Notices {
  on(event: 'notice', listener: (notice: { readonly routine?: string }) => void): unknown;
}

/** From now on; what was said before is forgotten. */
export function heedStandby(client: PgPooled): void {
  abandoned.delete(client);
  if (heeded.has(client)) return;
  heeded.add(client);
  (client as unknown as Notices).on('notice', ({ routine }) => {
    if (routine === WAIT_FOR_STANDBY) abandoned.add(client);
  });
}

/**
 * False: the server has written what was asked of it, and then somebody cancelled its wait for the standby. If it is lost
 * now, that is lost with it.
 */
export function wasCopied(client: PgPooled): boolean {
  return !abandoned.has(client);
}

export function notCopied(url: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `the database ${url} gave up waiting for its standby: the call is on its own disk, and may be lost with it. Repeat ` +
      'it with the same request id or claim id: that waits for the standby again. Look at the standby ' +
      '(`pg_stat_replication`), and for who cancels statements (`pg_cancel_backend`).',
  );
}
