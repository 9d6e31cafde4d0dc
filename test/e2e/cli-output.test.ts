import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { read } from '../tidy/files.ts';
import { manifest } from '../tidy/surface.ts';
import { CommandLine, JOBS } from './cli-runner.ts';

/** Every command that answers, on the store that `beforeAll` made; none of them changes what the others need. */
const ANSWERS: readonly (readonly [args: readonly string[], code: number])[] = [
  [['status'], 0],
  [['jobs', 'ls'], 0],
  [['jobs', 'ls', 'state:failed', 'error:route'], 0],
  [['jobs', 'show', 'evil'], 0],
  [['jobs', 'retry', 'state:failed', '--dry-run'], 0],
  [['jobs', 'cancel', 'state:delayed', '--dry-run'], 0],
  [['jobs', 'promote', 'later', '--dry-run'], 0],
  [['jobs', 'discard', 'state:cancelled', '--yes'], 0],
  [['jobs', 'retry', 'ok-1'], 0],
  [['jobs', 'cancel', 'ok-1'], 0],
  [['jobs', 'retry', 'id:ok-2', '--yes'], 0],
  [['jobs', 'discard', 'ok-2'], 0],
  [['jobs', 'promote', 'nearly'], 0],
  [['dead', 'ls'], 0],
  [['dead', 'show', 'evil'], 0],
  [['dead', 'replay', '--dry-run'], 0],
  [['dead', 'replay', 'error:"no such thing"', '--yes'], 0],
  [['dead', 'discard', 'error:"no such thing"', '--yes'], 0],
  [['queues', 'ls'], 0],
  [['queues', 'pause', 'spare'], 0],
  [['queues', 'resume', 'spare'], 0],
  [['queues', 'drain', 'spare', '--yes'], 0],
  [['queues', 'obliterate', 'spare', '--dry-run'], 0],
  [['queues', 'obliterate', 'spare', '--yes'], 0],
  [['ops', 'ls'], 0],
  [['doctor'], 0],
  [['add', 'emails', 'welcome', '{}', '--id', 'added'], 0],
  [['jobs', 'discard', 'added'], 0],
];

const ERRORS: readonly (readonly [args: readonly string[], code: number])[] = [
  [['jobs', 'show', 'nobody'], 4],
  [['queues', 'pause', 'nowhere'], 4],
  [['ops', 'abort', 'nothing'], 4],
  [['jobs', 'ls', 'stat:failed'], 2],
  [['add', 'emails', 'welcome', '{'], 2],
];

describe('answers', () => {
  const cli = new CommandLine();

  beforeAll(() => {
    cli.run(['add', 'emails', 'welcome', '-', '--id-from', 'id'], '{"id":"ok-1"}\n{"id":"ok-2"}\n');
    cli.run(['add', 'emails', 'fail', '{"to":"\\u001b[2J\\u0007 everyone"}', '--id', 'evil']);
    cli.run(['work', JOBS, '--drain']);
    cli.run(['add', 'emails', 'welcome', '--id', 'later', '--delay', '1d']);
    cli.run(['add', 'emails', 'welcome', '--id', 'nearly', '--delay', '1d']);
    cli.run(['add', 'spare', 'welcome', '-'], '1\n2\n3\n');
    cli.run(['jobs', 'cancel', 'queue:spare', '--yes', '--rate', '1000/s']);
  });

  afterAll(() => cli.remove());

  it.each(ANSWERS)('%j --json is one line that parses', (args, code) => {
    const ran = cli.run([...args, '--json']);

    expect({ code: ran.code, err: ran.err }).toEqual({ code, err: '' });
    expect(ran.out.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(ran.out)).toBeTypeOf('object');
    expect(ran.out.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });

  it.each(ERRORS)('%j --json fails with one line on standard error that parses', (args, code) => {
    const ran = cli.run([...args, '--json']);

    expect({ code: ran.code, out: ran.out }).toEqual({ code, out: '' });
    expect(JSON.parse(ran.err)).toEqual({
      error: { code: expect.stringMatching(/^MILLRACE_/), message: expect.any(String) },
    });
  });

  it('in a pipe has neither colours nor anything else that a terminal obeys', () => {
    for (const args of [['status'], ['jobs', 'ls'], ['jobs', 'show', 'evil'], ['dead', 'ls'], ['doctor']]) {
      expect(cli.run(args).out.replaceAll(/[\n\t]/g, '')).not.toMatch(/\p{Cc}/u);
    }
  });

  it('is quiet when its reader goes away', () => {
    cli.run(['add', 'many', 'n', '-'], '{"text":"some text that fills the pipe"}\n'.repeat(1_000));

    const { code, out, err } = cli.shell(
      'set -o pipefail; millrace jobs ls --queue many --limit 1000 --json | head -c 10',
    );

    expect({ code, out, err }).toEqual({ code: 0, out: '{"jobs":[{', err: '' });
  });

  it('has the version of the package, and help with examples for every command', () => {
    const { version } = JSON.parse(read('package.json'));
    expect(cli.run(['--version']).out).toBe(`${version}\n`);
    expect(Object.keys(manifest.bin)).toEqual(['millrace']);
    expect(cli.run(['--help']).out).toContain('Examples:');
    expect(cli.run(['add', '--help']).out).toContain('--id-from');
    expect(cli.run(['jobs', 'retry', '--help']).out).toContain('state:failed');
  });

  it('is documented command by command and option by option', () => {
    const text = read('docs/reference/cli.md');
    const commands = [
      'work',
      'add',
      'status',
      'jobs retry',
      'dead replay',
      'queues drain',
      'queues obliterate',
      'doctor',
    ];
    for (const command of commands) {
      const options = cli.run([...command.split(' '), '--help']).out.match(/--[a-z-]+/g) ?? [];
      const missing = [...new Set(options)].filter((option) => !text.includes(option));
      expect({ command, missing }).toEqual({ command, missing: [] });
    }
  });
});

describe('without a store', () => {
  const READING = [
    ...[['status'], ['jobs', 'ls'], ['jobs', 'show', 'x'], ['jobs', 'retry', 'x'], ['dead', 'ls']],
    ...[
      ['dead', 'replay', '--yes'],
      ['queues', 'ls'],
      ['queues', 'pause', '--all'],
      ['ops', 'ls'],
    ],
  ];

  it.each(READING)('%s %s says so, ends with 4 and makes nothing', (...args) => {
    const cli = new CommandLine();
    try {
      const ran = cli.run(args);

      expect({ code: ran.code, out: ran.out }).toEqual({ code: 4, out: '' });
      expect(ran.err).toContain('there is no store at sqlite:./.millrace/millrace.db');
      expect(readdirSync(cli.folder)).toEqual([]);
    } finally {
      cli.remove();
    }
  });

  it('doctor reports it as a finding, and makes nothing', () => {
    const cli = new CommandLine();
    try {
      expect(cli.run(['doctor'])).toMatchObject({
        code: 0,
        out: expect.stringContaining('there is no store'),
      });
      expect(existsSync(join(cli.folder, '.millrace'))).toBe(false);
    } finally {
      cli.remove();
    }
  });

  it('a command line that is wrong makes nothing either', () => {
    const cli = new CommandLine();
    try {
      expect(cli.run(['add', 'emails', 'welcome', '{']).code).toBe(2);
      expect(readdirSync(cli.folder)).toEqual([]);
    } finally {
      cli.remove();
    }
  });
});
