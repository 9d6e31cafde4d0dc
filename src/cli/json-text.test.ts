import { expect, test } from 'vitest';
import { bytesAsJson, indentJson, jsonTextOf, RawJson, toJson } from './json-text.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

test('numbers beyond 2^53 and long fractions keep every digit', () => {
  const text = '{ "id": 12345678901234567890,\n "price": 0.10000000000000000001 }';

  expect(jsonTextOf(bytesOf(text))).toBe('{"id":12345678901234567890,"price":0.10000000000000000001}');
});

test('white space, brackets and escapes inside strings stay', () => {
  const text = '{"a \\" b": "x , [ { \\\\", "c":[ ]}';

  expect(jsonTextOf(bytesOf(text))).toBe('{"a \\" b":"x , [ { \\\\","c":[]}');
});

test('a string of many megabytes does not run out of stack', () => {
  const text = `{"x": "${'\\n'.repeat(4_000_000)}"}`;

  expect(jsonTextOf(bytesOf(text))?.length).toBe(text.length - 1);
});

test('bytes that are not JSON are given as base64', () => {
  expect(jsonTextOf(new Uint8Array([0xff, 0xfe]))).toBeNull();
  expect(bytesAsJson(new Uint8Array([0xff, 0xfe]))).toEqual({ base64: '//4=' });
  expect(bytesAsJson(null)).toBeNull();
});

test('an answer is one line that a terminal does not obey and a parser reads back', () => {
  const line = toJson({
    text: 'red \u001b[31m\u009b0m\n',
    raw: new RawJson('{"n":1e400,"c1":"\u009b2J"}'),
    none: undefined,
    list: [1, null, true],
  });

  expect(line).not.toMatch(/\p{Cc}/u);
  expect(line).toContain('1e400');
  expect(JSON.parse(line)).toEqual({
    text: 'red \u001b[31m\u009b0m\n',
    raw: { n: Number.POSITIVE_INFINITY, c1: '\u009b2J' },
    list: [1, null, true],
  });
});

test('JSON for people is indented and means the same', () => {
  const text = '{"a":[1,{"b":[]},{}],"c":"x"}';

  expect(indentJson(text)).toBe(
    '{\n  "a": [\n    1,\n    {\n      "b": []\n    },\n    {}\n  ],\n  "c": "x"\n}',
  );
});
