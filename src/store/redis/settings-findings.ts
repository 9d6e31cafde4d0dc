/** What a person should know about the settings of the server; the part of `doctor` that looks beside the keys. */

import type { RedisPlace } from '../redis-options.ts';
import type { Finding } from '../store.ts';
import { durabilityOf, type Facts } from './open.ts';

const SKEW_MS = 5_000;
const NEARLY_FULL = 0.9;

export function settingsFindings(facts: Facts, place: RedisPlace, machineNow: number): Finding[] {
  return [
    durability(facts, place),
    server(facts),
    eviction(facts),
    memory(facts),
    disk(facts),
    clocks(facts, machineNow),
  ];
}

function ok(check: string, message: string): Finding {
  return { severity: 'ok', check, message, advice: '' };
}

function durability(facts: Facts, place: RedisPlace): Finding {
  const { level, detail } = durabilityOf(facts, place);
  const message = `an acknowledged write survives: ${level} (${detail})`;
  if (level === 'disk' || level === 'replicated') return ok('durability', message);
  const advice =
    'For jobs that must survive a power cut set appendonly to yes and appendfsync to always, and demand it with ' +
    '`durability`.';
  return { severity: 'warning', check: 'durability', message, advice };
}

function server({ product, release, isReplica, replicas }: Facts): Finding {
  if (!isReplica) return ok('server', `${product} ${release}, primary with ${replicas} replicas`);
  const message = 'the server is a replica and takes no writes';
  return { severity: 'error', check: 'server', message, advice: 'Connect to the primary.' };
}

function eviction({ policy }: Facts): Finding {
  if (policy === 'noeviction') return ok('eviction', 'no key is thrown away for want of memory');
  if (policy === '') {
    const advice =
      'Allow the user CONFIG GET or INFO, or look at maxmemory-policy by hand: it must be noeviction.';
    return {
      severity: 'warning',
      check: 'eviction',
      message: 'the server does not say what it evicts',
      advice,
    };
  }
  const message = `maxmemory-policy is ${policy}: jobs are thrown away when the memory is full`;
  return { severity: 'error', check: 'eviction', message, advice: 'Set maxmemory-policy to noeviction.' };
}

function memory({ usedMemory, maxMemory }: Facts): Finding {
  const used = `${Math.round(usedMemory / 1_048_576)} MiB are used`;
  if (maxMemory === 0) return ok('memory', `${used}; there is no maxmemory`);
  const message = `${used} of ${Math.round(maxMemory / 1_048_576)} MiB`;
  if (usedMemory < maxMemory * NEARLY_FULL) return ok('memory', message);
  const advice = 'Raise maxmemory, or keep finished jobs for a shorter time. When it is full, adding fails.';
  return { severity: 'warning', check: 'memory', message, advice };
}

function disk({ isWriting }: Facts): Finding {
  if (isWriting) return ok('disk', 'the last writes to the disk went well');
  const message = 'the last write to the log or of a snapshot failed';
  return {
    severity: 'error',
    check: 'disk',
    message,
    advice: 'Look at the log of the server; make room on its disk.',
  };
}

function clocks({ nowMs }: Facts, machineNow: number): Finding {
  const skewMs = Math.round(machineNow - nowMs);
  const message = `the clock of this machine is ${Math.abs(skewMs)} ms ${skewMs < 0 ? 'behind' : 'ahead of'} the server's`;
  if (Math.abs(skewMs) < SKEW_MS) return ok('clock', message);
  const advice =
    'Only the clock of the server counts for jobs; logs of this machine will not fit. Run a time service.';
  return { severity: 'warning', check: 'clock', message, advice };
}
