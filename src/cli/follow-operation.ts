/** Starts a bulk action in the store and sees it through. */

import type { JobFilter } from '../job/filter.ts';
import type { OperationKind } from '../job/operation.ts';
import { formatCount } from '../job/wording.ts';
import { sleep } from '../runtime/clock.ts';
import type { OperationRecord } from '../store/store.ts';
import { Upkeep } from '../upkeep/upkeep.ts';
import { applyEffects } from './apply.ts';
import { note } from './cli.ts';
import type { Opened } from './open-store.ts';
import { progressLine } from './progress-line.ts';
import { safeText } from './safe-text.ts';

export interface BulkOptions {
  readonly rate?: number;
  readonly reason?: string;
  readonly to?: string;
  /** Leave it to the upkeep of the workers. */
  readonly detach?: boolean;
}

const LOOK_MS = 100;
/** Short, because this process is about to end and others should not have to wait for its lease to run out. */
const LEADER_LEASE_MS = 3_000;

export async function startOperation(
  opened: Opened<BulkOptions>,
  kind: OperationKind,
  filter: JobFilter,
): Promise<string> {
  const { cli, options } = opened;
  const operation = {
    id: cli.makeId(),
    kind,
    filter,
    toQueue: options.to ?? null,
    ratePerSecond: options.rate ?? null,
    reason: options.reason ?? `asked for by ${cli.actor}`,
  };
  await applyEffects(opened, [{ op: 'start-operation', operation }]);
  return operation.id;
}

/**
 * Waits until the operation has ended. Upkeep is run here meanwhile, so that it also moves when no worker is
 * there; a command that is interrupted leaves the operation to the next worker.
 */
export async function followOperation(opened: Opened, id: string): Promise<OperationRecord | null> {
  const { cli, shared, store } = opened;
  note(opened, `Bulk action ${id}; stop it with: millrace ops abort ${id}`);
  const line = progressLine(cli.terminal.err, cli.clock);
  const ended = new AbortController();
  const upkeep = new Upkeep({
    ...{ store, clock: shared.clock, random: shared.random },
    ...{ holder: cli.makeId(), leaderLeaseMs: LEADER_LEASE_MS },
    onError: (error) => note(opened, `upkeep: ${safeText(error.message)}; trying again`),
  }).run(ended.signal);
  try {
    for (;;) {
      const operation = (await store.operations()).find((each) => each.id === id) ?? null;
      if (operation?.state !== 'running') return operation;
      line.update(() => `${operation.kind}: ${formatCount(operation.done)} done`);
      await sleep(cli.clock, LOOK_MS);
    }
  } finally {
    line.clear();
    ended.abort();
    await upkeep;
  }
}
