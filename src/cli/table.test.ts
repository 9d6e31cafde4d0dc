import { expect, test } from 'vitest';
import { type Cell, type Column, printTable } from './table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'Queue' },
  { title: 'Oldest ready', align: 'right' },
  { title: 'Detail', flexible: true },
];

function printed(rows: readonly (readonly Cell[])[], columns: number | null, colour = false): string {
  let text = '';
  const isTerminal = columns !== null;
  const write = (part: string): void => {
    text += part;
  };
  printTable({ isTerminal, colour, columns: columns ?? Number.POSITIVE_INFINITY, write }, COLUMNS, rows);
  return text;
}

test('in a pipe there is one tab-separated line a row, nothing cut and nothing coloured', () => {
  const long = 'x'.repeat(300);

  expect(printed([['emails', { text: '5 s', tint: 'bad' }, long]], null, true)).toBe(
    `queue\toldest_ready\tdetail\nemails\t5 s\t${long}\n`,
  );
});

test('tabs and line breaks in data do not break the columns of a pipe', () => {
  expect(printed([['a\tb', '1', 'x\ny']], null)).toBe('queue\toldest_ready\tdetail\na\\tb\t1\tx\\ny\n');
});

test('on a terminal columns are aligned by what is seen, also with wide characters', () => {
  const text = printed(
    [
      ['価格', '5 s', 'one'],
      ['emails', '13m52s', 'two'],
    ],
    80,
  );

  expect(text).toBe(
    ['Queue   Oldest ready  Detail', '価格             5 s  one', 'emails        13m52s  two', ''].join('\n'),
  );
});

test('a flexible column gives way until the line fits the terminal', () => {
  const lines = printed([['emails', '5 s', 'a long error message that does not fit']], 40).split('\n');

  expect(lines[1]).toBe('emails           5 s  a long error mess…');
  expect(lines[1]?.length).toBeLessThanOrEqual(40);
});

test('colours stand around cells and leave the alignment alone', () => {
  const plain = printed([['emails', { text: '5 s', tint: 'bad' }, 'x']], 80).split('\n')[1];
  const coloured = printed([['emails', { text: '5 s', tint: 'bad' }, 'x']], 80, true).split('\n')[1];

  expect(coloured).toContain('\u001b[31m5 s\u001b[39m');
  expect(coloured?.replace('\u001b[31m5 s\u001b[39m', '5 s')).toBe(plain);
});

test('a narrow terminal gets short titles, then loses the spare columns, before a name is cut', () => {
  const columns: readonly Column[] = [
    { title: 'Queue', flexible: true },
    { title: 'Oldest ready', short: 'Oldest', align: 'right' },
    { title: 'Objective', align: 'right', spare: true },
    { title: 'Failed', align: 'right' },
  ];
  const row: readonly Cell[] = ['confirmation-mails', '5 s', '1m', { text: '7', tint: 'bad' }];
  const headAt = (width: number): string | undefined => {
    let text = '';
    const write = (part: string): void => {
      text += part;
    };
    printTable({ isTerminal: true, colour: false, columns: width, write }, columns, [row]);
    expect(text).toContain('confirmation-mails');
    expect(text).toMatch(/ 7\n$/);
    return text.split('\n')[0]?.replaceAll(/ +/g, ' ');
  };

  expect(headAt(80)).toBe('Queue Oldest ready Objective Failed');
  expect(headAt(50)).toBe('Queue Oldest Objective Failed');
  expect(headAt(40)).toBe('Queue Oldest Failed');
});
