#!/usr/bin/env node
/** The program `millrace`: connects the command line with this process. */

import { hostname, userInfo } from 'node:os';
import process from 'node:process';
import { connect } from '../connect.ts';
import { systemClock } from '../runtime/clock.ts';
import { uuid7 } from '../runtime/ids.ts';
import { systemRandom } from '../runtime/random.ts';
import { run } from './run.ts';
import { flushed, processTerminal } from './terminal.ts';

/** A process may run under a user that the system has no name for, as in many containers. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}

let mustEnd = false;
const code = await run(process.argv.slice(2), {
  terminal: processTerminal(process),
  env: process.env,
  clock: systemClock,
  makeId: uuid7(systemClock, systemRandom),
  actor: `${userName()}@${hostname()} (cli)`,
  connect,
  endProcess: () => {
    mustEnd = true;
  },
});
await flushed(process);
process.exitCode = code;
if (mustEnd) process.exit();
