import type { Durability, Finding } from '../store.ts';

export const DURABILITY: Durability = Object.freeze({
  level: 'memory',
  detail: 'jobs are kept in the memory of this process and end with it',
});

export function doctor(): Finding[] {
  return [
    {
      severity: 'warning',
      check: 'durability',
      message: `memory store: ${DURABILITY.detail}`,
      advice: 'For jobs that must survive a restart set MILLRACE_URL=sqlite:./millrace.db.',
    },
  ];
}
