import { extname } from 'node:path';
import { type Carried, carryError } from './carry-error.ts';

/** A processor as it looks from here. */
export type LoadedProcessor = (job: unknown, ctx: unknown) => unknown;

export interface Unloadable {
  readonly why: string;
  readonly error: Carried | null;
}

/** `file`: a URL. The module's default export, or else the one named `processor`. */
export async function loadProcessor(file: string): Promise<LoadedProcessor | Unloadable> {
  let module: unknown;
  try {
    module = await import(file);
  } catch (thrown) {
    return { why: whyNot(file, thrown), error: carryError(thrown) };
  }
  const processor = processorOf(module);
  if (processor !== null) return processor;
  const names = Object.keys(module as object);
  const exported = names.length === 0 ? 'nothing' : names.join(', ');
  const why = `it exports no function as default or as "processor", but ${exported}. Write: export default async (job, ctx) => { … }`;
  return { why, error: null };
}

/** A CommonJS module has all its exports as the default, one that was compiled to it has a default within that. */
function processorOf(module: unknown): LoadedProcessor | null {
  const outer = Object(module) as Record<string, unknown>;
  const inner = Object(outer['default']) as Record<string, unknown>;
  const candidates = [outer['default'], outer['processor'], inner['default'], inner['processor']];
  return (candidates.find((each) => typeof each === 'function') as LoadedProcessor | undefined) ?? null;
}

function whyNot(file: string, thrown: unknown): string {
  const { code, message } = Object(thrown) as { code?: unknown; message?: unknown };
  const kind = extname(new URL(file).pathname);
  const node = `Node ${process.versions.node}`;
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && /^\.[cm]?tsx?$/.test(kind) && String(message).includes(kind)) {
    return (
      `it is, or imports, TypeScript, which ${node} does not run by itself. Use Node 22.18 or newer, point to the ` +
      `compiled file, or start Node with a compiler such as --import tsx: children get the options of their ` +
      `parent, or those of the worker's option execArgv`
    );
  }
  return typeof message === 'string' ? message : String(thrown);
}
