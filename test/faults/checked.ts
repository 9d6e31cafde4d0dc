import type { CheckReport, Figures } from 'millrace/history';
import type { Proof } from '../support/proof.ts';

/** What the reports of one proof say together. */
export function summarise(
  reports: readonly CheckReport[],
  figures: Proof['figures'] = {},
): Required<Pick<Proof, 'figures' | 'faults' | 'checked'>> {
  const sum = (count: (figures: Figures) => number): number =>
    reports.reduce((total, report) => total + count(report.figures), 0);
  const violations = reports.flatMap((report) => report.violations);
  return {
    figures,
    faults: add(reports.map((report) => report.figures.faults)),
    checked: {
      histories: reports.length,
      operations: sum(({ calls }) => calls.ok + calls.refused + calls.unknown),
      acknowledged: sum(({ jobsAcknowledged }) => jobsAcknowledged),
      runs: sum(({ runs }) => runs),
      violations: violations.length,
      lost: violations.filter(({ check }) => check === 'S1').length,
      lateAttempted: sum(({ lateWrites }) => lateWrites.attempted),
      lateRefused: sum(({ lateWrites }) => lateWrites.refused),
      duplicatesExplained: add(reports.map((report) => report.figures.duplicates.explained)),
      duplicatesUnexplained: sum(({ duplicates }) => duplicates.unexplained),
      recoveryMs: reports.flatMap((report) => report.figures.recoveryMs).map(Math.round),
      promises: Object.fromEntries(
        reports.flatMap(({ made }) => made.map(({ check, promise }) => [check, promise])),
      ),
      judged: add(
        reports.map(({ made }) => Object.fromEntries(made.map(({ check, judged }) => [check, judged]))),
      ),
    },
  };
}

function add(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const count of counts) {
    for (const [name, value] of Object.entries(count)) total[name] = (total[name] ?? 0) + value;
  }
  return total;
}
