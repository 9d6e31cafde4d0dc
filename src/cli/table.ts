/** Columns for people on a terminal, tab-separated lines with a head line for programs in a pipe. */

import { cutText, safeText, textWidth } from './safe-text.ts';
import { type Paint, paintFor, type Tint } from './style.ts';
import type { Sink } from './terminal.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'right';
  /** Title on a terminal that is too narrow for the long ones. */
  readonly short?: string;
  /** Left out, the last one first, on a terminal that is still too narrow. Programs always get it. */
  readonly spare?: boolean;
  /** Is cut when nothing else helps. */
  readonly flexible?: boolean;
}

export type Cell = string | { readonly text: string; readonly tint: Tint };

/** Prints the rows. Cells are made safe here; callers pass them as they were stored. */
export function printTable(sink: Sink, columns: readonly Column[], rows: readonly (readonly Cell[])[]): void {
  const safe = rows.map((row) => row.map((cell) => safeText(textOf(cell))));
  sink.write(sink.isTerminal ? forPeople(sink, columns, rows, safe) : forPrograms(columns, safe));
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}

function forPrograms(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const head = columns.map((column) => column.title.toLowerCase().replaceAll(' ', '_')).join('\t');
  return [head, ...rows.map((row) => row.join('\t'))].map((line) => `${line}\n`).join('');
}

function forPeople(
  sink: Sink,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  safe: readonly (readonly string[])[],
): string {
  const shown = columnsFor(columns, safe, sink.columns);
  const fitting = shown.map(({ column }) => column);
  const chosen = safe.map((row) => shown.map(({ at }) => row[at] ?? ''));
  const widths = widthsFor(fitting, chosen, sink.columns);
  const paint = paintFor(sink);
  const titles = fitting.map(({ title }) => title);
  const head = lineOf(fitting, widths, titles, (_, text) => paint('dim', text));
  const body = chosen.map((row, index) =>
    lineOf(fitting, widths, row, (at, text) => tinted(paint, rows[index]?.[shown[at]?.at ?? at], text)),
  );
  return [head, ...body].map((line) => `${line}\n`).join('');
}

/** A column and where its cells stand in a row. */
interface Shown {
  readonly column: Column;
  readonly at: number;
}

/** All columns if they fit; else with short titles, then without the spare ones. */
function columnsFor(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  available: number,
): Shown[] {
  let shown = columns.map((column, at) => ({ column, at }));
  const isTooWide = (): boolean =>
    excessOf(
      shown.map((one) => naturalWidth(one, rows)),
      available,
    ) > 0;
  if (!isTooWide()) return shown;
  shown = shown.map(({ column, at }) => ({ column: { ...column, title: column.short ?? column.title }, at }));
  for (const spare of shown.filter(({ column }) => column.spare === true).reverse()) {
    if (!isTooWide()) return shown;
    shown = shown.filter((one) => one !== spare);
  }
  return shown;
}

function naturalWidth({ column, at }: Shown, rows: readonly (readonly string[])[]): number {
  return rows.reduce((widest, row) => Math.max(widest, textWidth(row[at] ?? '')), textWidth(column.title));
}

/** What is missing for columns of these widths with two spaces between them. */
function excessOf(widths: readonly number[], available: number): number {
  return widths.reduce((sum, width) => sum + width + 2, -2) - available;
}

function tinted(paint: Paint, cell: Cell | undefined, text: string): string {
  return cell === undefined || typeof cell === 'string' ? text : paint(cell.tint, text);
}

/** Natural widths; flexible columns share what is missing. */
function widthsFor(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  available: number,
): readonly number[] {
  const widths = columns.map((column, at) => naturalWidth({ column, at }, rows));
  let excess = excessOf(widths, available);
  for (const [at, column] of columns.entries()) {
    if (excess <= 0 || column.flexible !== true) continue;
    const width = widths[at] ?? 0;
    widths[at] = Math.max(8, width - excess);
    excess -= width - (widths[at] ?? 0);
  }
  return widths;
}

function lineOf(
  columns: readonly Column[],
  widths: readonly number[],
  cells: readonly string[],
  tint: (at: number, text: string) => string,
): string {
  const parts = columns.map((column, at) => {
    const text = cutText(cells[at] ?? '', widths[at] ?? 0);
    const space = ' '.repeat(Math.max(0, (widths[at] ?? 0) - textWidth(text)));
    const last = at === columns.length - 1;
    return column.align === 'right' ? space + tint(at, text) : tint(at, text) + (last ? '' : space);
  });
  return parts.join('  ');
}
