import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Folder for the figures of a run; without it none are kept. */
const FOLDER = process.env['MILLRACE_SIMULATION_SUMMARY'];

export function keepSummary(name: string, summary: object): void {
  if (FOLDER === undefined || FOLDER === '') return;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, `${name}.json`), `${JSON.stringify(summary, null, 2)}\n`);
}
