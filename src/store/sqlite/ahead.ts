/**
 * Which calls need not wait for the disk. Who works on what is nobody's business any more after a power cut: the workers
 * are gone with the machine, so a lease that was lost with them is as if it had never been, and its job is waiting. What
 * was added has to be there before it is acknowledged, but may be seen a little earlier.
 */

import type { Effect } from '../store.ts';
import { type Call, mayWrite, type VerbName } from './verbs.ts';

/** They write leases and nothing else, unless jobs end by them. */
const OF_LEASES: ReadonlySet<VerbName> = new Set<VerbName>(['claim', 'renew', 'beat']);

/** Whether a call by which no job ended may be answered before its commit is on the disk. */
export function goesAhead({ verb }: Call): boolean {
  return OF_LEASES.has(verb);
}

/** Whether others may see what a call has written before it is on the disk. */
export function mayShow(call: Call): boolean {
  return !mayWrite(call) || goesAhead(call) || addsOnly(call);
}

function addsOnly({ verb, args: [effects] }: Call): boolean {
  return verb === 'apply' && (effects as readonly Effect[]).every(({ op }) => op === 'add');
}
