/** `millrace ops`: bulk actions that upkeep works through in the background. */

import type { Command } from 'commander';
import { NotFoundError } from '../../errors.ts';
import { formatSearch } from '../../job/search.ts';
import { formatCount, formatDuration } from '../../job/wording.ts';
import type { OperationRecord } from '../../store/store.ts';
import { applyEffects } from '../apply.ts';
import { answer, type Cli } from '../cli.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { type Opened, withStore } from '../open-store.ts';
import { safeText } from '../safe-text.ts';
import { type Cell, type Column, printTable } from '../table.ts';

export function addOps(program: Command, cli: Cli): void {
  const ops = program.command('ops').description('bulk actions under way: list them, abort one');
  ops
    .command('ls')
    .description('list bulk actions, newest first')
    .action((_: unknown, command: Command) => withStore(cli, command, 'existing', list));
  ops
    .command('abort')
    .description('stop a bulk action; jobs it has touched stay as they are')
    .argument('<ids...>')
    .action((ids: string[], _: unknown, command: Command) =>
      withStore(cli, command, 'existing', (opened) => abort(opened, ids)),
    );
}

const COLUMNS: readonly Column[] = [
  { title: 'Id' },
  { title: 'Kind' },
  { title: 'State' },
  { title: 'Done', align: 'right' },
  { title: 'Skipped', align: 'right' },
  { title: 'Rate', align: 'right' },
  { title: 'Age', align: 'right' },
  { title: 'Jobs', flexible: true },
  { title: 'Reason', flexible: true },
];

async function list(opened: Opened): Promise<ExitCode> {
  const operations = (await opened.store.operations()).toSorted((a, b) => b.startedAt - a.startedAt);
  const nowMs = opened.shared.clock.now();
  answer(opened, { operations }, () =>
    printTable(
      opened.cli.terminal.out,
      COLUMNS,
      operations.map((operation) => rowOf(operation, nowMs)),
    ),
  );
  return EXIT.ok;
}

function rowOf(operation: OperationRecord, nowMs: number): Cell[] {
  const { toQueue, ratePerSecond } = operation;
  const search = formatSearch(operation.filter);
  return [
    operation.id,
    operation.kind,
    operation.state === 'running' ? { text: 'running', tint: 'strong' } : operation.state,
    formatCount(operation.done),
    formatCount(operation.skipped),
    ratePerSecond === null ? '-' : `${ratePerSecond}/s`,
    formatDuration(Math.max(0, nowMs - operation.startedAt)),
    `${search === '' ? 'all' : search}${toQueue === null ? '' : ` → ${toQueue}`}`,
    operation.reason,
  ];
}

async function abort(opened: Opened, ids: readonly string[]): Promise<ExitCode> {
  const results = await applyEffects(
    opened,
    ids.map((id) => ({ op: 'abort-operation', id })),
  );
  const missing = ids.filter((_, index) => {
    const result = results[index];
    return result?.op === 'abort-operation' && result.outcome === 'gone';
  });
  const known = await opened.store.operations();
  const operations = known.filter(({ id }) => ids.includes(id));
  if (operations.length > 0) {
    answer(opened, { operations }, () => {
      for (const { id, state, done } of operations) {
        opened.cli.terminal.out.write(`${safeText(id)}\t${state}\t${formatCount(done)} done\n`);
      }
    });
  }
  if (missing.length > 0) throw new NotFoundError(`there is no bulk action ${missing.join(', ')}.`);
  return EXIT.ok;
}
