/**
 * Makes docs/reference/errors.md from src/errors.ts: the class, its code and its meaning come from there, what to do
 * about it from the table below. With `--check` it writes nothing and fails when the page is stale.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, say } from './run.mjs';

const page = join(root, 'docs', 'reference', 'errors.md');

/** One entry for each class; a class without one fails here, so that none goes unexplained. */
const whatToDo = {
  InvalidOptionError: 'Correct every line of `problems`; nothing was done.',
  InvalidPayloadError:
    'Send what JSON can carry: dates as strings, big integers as strings, no cycles. `path` points at the value.',
  LimitExceededError: 'Split the batch, or keep large bodies elsewhere and send a reference to them.',
  SchemaMismatchError: 'Correct the producer or the schema; redrive the dead letters after deploying.',
  NotFoundError: 'Check the name: `millrace queues ls` and `millrace jobs ls` show what there is.',
  JobNotFoundError: 'Check the queue and the id; keep finished jobs longer (`retention`) if it was pruned.',
  WrongStateError: 'The message says in which states the call is possible and what to call instead.',
  ActiveJobsError: 'Wait for them (`pause()` first), or say `force` if their work may be lost.',
  BulkStoppedError:
    'Look at `cause`, mend it, and go on with the jobs after those that were added; with a `jobId` each, add all again.',
  DuplicateJobError: 'Look at the job that is there; discard it, or redrive to another queue.',
  LeaseLostError:
    'Stop working on the job: another worker may have it. Raise `leaseMs` if the event loop was blocked.',
  TimeoutError: 'Raise `timeout`, or make the processor pass `ctx.signal` on so that it ends when asked.',
  CancelledError: 'Nothing to mend: somebody cancelled the job, for the reason given.',
  JobFailedError: "Look at the job's attempts (`millrace dead show`), mend the cause, redrive it.",
  UnrecoverableError:
    'Yours to throw. The job is a dead letter with cause `unrecoverable`; redrive it once mended.',
  ProcessorCrashedError:
    'Mend what ends the process: `cause` is the error that nothing caught, stderr has the rest. Only this attempt failed; the worker goes on.',
  ProcessorMemoryError: 'Raise `maxMemoryMb`, or read the work in parts.',
  ProcessorLoadError:
    'Look at `cause`. For TypeScript use Node 22.18 or newer, or `execArgv: ["--import", "tsx"]`.',
  RetryRequestedError:
    'Nothing to mend: the processor asked for another attempt; this is what its record says.',
  ShutdownError: 'Nothing to mend: the job is handed back and runs elsewhere, with no attempt burned.',
  ClosedError: 'Create a new queue or worker; do not use one after `close()`.',
  StoreUnavailableError:
    'Repeat the call; Millrace has repeated it a few times already. See `millrace doctor`.',
  StoreFullError: 'Make room on the disk; nothing was written, and the store goes on by itself after that.',
  StoreCorruptError: 'Stop all processes, keep a copy of the file, restore from a backup.',
  SchemaVersionError: 'Run the same version of Millrace in all processes of one store.',
  DriverMissingError: 'Run the line that the message names, or use Node 22.22.3, 24.15 or newer.',
  UnsupportedError: 'Choose a store that can do it; the message says which.',
  EnvironmentError: 'The message says what the machine lacks and how to provide it.',
};

const CLASS = /\/\*\* ([^/]*?) \*\/\nexport class (\w+) extends MillraceError \{([\s\S]*?)\n\}/g;

function errorsOf(source) {
  return [...source.matchAll(CLASS)].map(([, meaning, name, body]) => ({
    name,
    code: /'(MILLRACE_[A-Z_]+)'/.exec(body)?.[1],
    meaning: meaning.replace(/\n \* ?/g, ' '),
  }));
}

function row({ name, code, meaning }) {
  const advice = whatToDo[name];
  if (!advice) throw new Error(`scripts/make-errors-doc.mjs does not say what to do about ${name}`);
  return `| \`${name}\` | \`${code}\` | ${meaning} | ${advice} |`;
}

function errorsDoc() {
  const source = readFileSync(join(root, 'src', 'errors.ts'), 'utf8');
  const errors = errorsOf(source);
  const declared = source.match(/extends MillraceError/g).length;
  if (errors.length !== declared) throw new Error('a class of src/errors.ts has no comment before it');
  return [
    '# Errors',
    '',
    '<!-- Made from src/errors.ts by scripts/make-errors-doc.mjs. Change it there. -->',
    '',
    'Every error of Millrace is a `MillraceError`: catch it by its class, search for it by its `code`. The code is stable',
    'across releases, the wording of the message is not. The error underneath, where there is one, is its `cause`.',
    '',
    '| Class | Code | It means | What to do |',
    '| --- | --- | --- | --- |',
    ...errors.map(row),
    '',
  ].join('\n');
}

try {
  const made = errorsDoc();
  if (process.argv[2] !== '--check') writeFileSync(page, made);
  else if (readFileSync(page, 'utf8') !== made)
    throw new Error('docs/reference/errors.md is stale: node scripts/make-errors-doc.mjs');
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}
