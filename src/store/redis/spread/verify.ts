import type { Finding } from '../../store.ts';
import type { Engine } from '../engine.ts';
import { job, pairsOf } from '../inspect.ts';
import { listOf, numberOf } from '../reply.ts';
import { verify } from '../verify.ts';
import type { Cells } from './cells.ts';

/** Tracks of jobs that moved, of each queue, that are followed. */
const MANY = 1_000;

/** Each cell and home, and what is still on its way between them. */
export async function verifyCells(cells: Cells): Promise<Finding[]> {
  const findings = await verify(cells.home);
  for (const queue of await cells.names()) findings.push(...(await verify(cells.at(queue))));
  for (const queue of ['', ...(await cells.names())])
    findings.push(...(await onTheWay(cells.at(queue), queue)));
  // Tracks of what is on its way lead nowhere yet.
  if (findings.length > 0) return findings;
  for (const queue of await cells.names()) findings.push(...(await lostTracks(cells, queue)));
  return findings;
}

async function onTheWay(cell: Engine, queue: string): Promise<Finding[]> {
  const where = queue === '' ? 'the namespace' : `queue "${queue}"`;
  const many = numberOf(await cell.call('XLEN', `${cell.place.prefix}ob`));
  const stranded = numberOf(await cell.call('XLEN', `${cell.place.prefix}un`));
  return [...(many > 0 ? [waiting(where, many)] : []), ...(stranded > 0 ? [unwanted(where, stranded)] : [])];
}

/** Jobs that moved are noted where they were, until they are gone from where they are. */
async function lostTracks(cells: Cells, queue: string): Promise<Finding[]> {
  const cell = cells.at(queue);
  const [, flat] = listOf(await cell.call('HSCAN', `${cell.place.prefix}mv`, '0', 'COUNT', MANY));
  const pairs = [...pairsOf(flat ?? [])].slice(0, MANY);
  for (const [id, refs] of pairs) {
    for (const move of refs.trim().split(' ')) {
      const target = move.split(':').at(-1) ?? '';
      const found = await job(cells.at(target), { queue: target, id });
      if (found?.origin?.queue === queue) continue;
      const message = `queue "${queue}" notes that job "${id}" moved to "${target}", where it is not`;
      const advice = 'This is a bug in the Redis store; please report it with this message.';
      return [{ severity: 'error', check: 'moved', message, advice }];
    }
  }
  return [];
}

function waiting(where: string, many: number): Finding {
  return {
    severity: 'warning',
    check: 'outbox',
    message: `${many} steps of ${where} wait to be delivered to other queues`,
    advice:
      'Upkeep delivers them. If they stay, a master of the cluster cannot be reached, or no worker runs.',
  };
}

function unwanted(where: string, many: number): Finding {
  return {
    severity: 'warning',
    check: 'outbox',
    message: `${many} jobs of ${where} could move neither on nor back, as other jobs have their ids in both queues`,
    advice:
      'They are kept in the stream `un` of the queue. Discard the other jobs, or add these under other ids.',
  };
}
