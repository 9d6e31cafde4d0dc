import type { Finding } from '../../store.ts';
import type { Engine } from '../engine.ts';
import { numberOf } from '../reply.ts';
import { verify } from '../verify.ts';
import type { Cells } from './cells.ts';

/** Each cell and home, and what is still on its way between them. */
export async function verifyCells(cells: Cells): Promise<Finding[]> {
  const findings = await verify(cells.home);
  for (const queue of await cells.names()) findings.push(...(await verify(cells.at(queue))));
  for (const queue of ['', ...(await cells.names())])
    findings.push(...(await onTheWay(cells.at(queue), queue)));
  return findings;
}

async function onTheWay(cell: Engine, queue: string): Promise<Finding[]> {
  const where = queue === '' ? 'the namespace' : `queue "${queue}"`;
  const many = numberOf(await cell.call('XLEN', `${cell.place.prefix}ob`));
  const stranded = numberOf(await cell.call('XLEN', `${cell.place.prefix}un`));
  return [...(many > 0 ? [waiting(where, many)] : []), ...(stranded > 0 ? [unwanted(where, stranded)] : [])];
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
