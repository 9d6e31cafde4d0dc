/**
 * JSON for scripts. Bodies and results are put in as the text that was stored: parsing and printing them again
 * would change numbers beyond 2^53 without a word.
 */

import type { Bytes } from '../job/record.ts';
import { escapeJsonControls } from './safe-text.ts';

/** JSON text that is printed as it is. */
export class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** The value as one line of JSON, without characters that a terminal would obey. Undefined properties are left out. */
export function toJson(value: unknown): string {
  if (value instanceof RawJson) return escapeJsonControls(value.text);
  if (value === undefined) return 'null';
  if (Array.isArray(value)) return `[${value.map(toJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([key, member]) => `${quote(key)}:${toJson(member)}`);
    return `{${members.join(',')}}`;
  }
  return typeof value === 'string' ? quote(value) : JSON.stringify(value);
}

function quote(text: string): string {
  return escapeJsonControls(JSON.stringify(text));
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The bytes as JSON text on one line, or null when they are not JSON. Numbers keep every digit. */
export function jsonTextOf(bytes: Bytes): string | null {
  try {
    const text = decoder.decode(bytes);
    JSON.parse(text);
    return withoutSpace(text);
  } catch {
    return null;
  }
}

/** White space between the tokens goes, the tokens stay as they are. */
function withoutSpace(json: string): string {
  let text = '';
  for (const token of tokensOf(json)) text += token;
  return text;
}

const TOKEN = /[{}[\],:]|[^\s{}[\],:"]+/y;

// Strings are walked by hand: a regular expression runs out of stack on strings of some megabytes.
function* tokensOf(json: string): Generator<string> {
  let at = 0;
  while (at < json.length) {
    const character = json[at] ?? '';
    const end = character === '"' ? stringEnd(json, at) : tokenEnd(json, at);
    if (end > at) yield json.slice(at, end);
    at = Math.max(end, at + 1);
  }
}

function tokenEnd(json: string, at: number): number {
  TOKEN.lastIndex = at;
  return TOKEN.test(json) ? TOKEN.lastIndex : at;
}

function stringEnd(json: string, at: number): number {
  for (let index = at + 1; index < json.length; index += 1) {
    const character = json[index];
    if (character === '\\') index += 1;
    else if (character === '"') return index + 1;
  }
  return json.length;
}

/** Bytes for a JSON answer: JSON as it is, anything else as base64 in an object. */
export function bytesAsJson(bytes: Bytes | null): unknown {
  if (bytes === null) return null;
  const text = jsonTextOf(bytes);
  return text === null ? { base64: Buffer.from(bytes).toString('base64') } : new RawJson(text);
}

/** JSON text over several lines for people, digits kept. */
export function indentJson(json: string, indent = '  '): string {
  let depth = 0;
  let previous = '';
  let text = '';
  const newLine = (): string => `\n${indent.repeat(depth)}`;
  for (const token of tokensOf(json)) {
    const opened = previous === '{' || previous === '[';
    const closes = token === '}' || token === ']';
    if (closes) depth -= 1;
    if ((opened && !closes) || (closes && !opened) || previous === ',') text += newLine();
    if (token === '{' || token === '[') depth += 1;
    text += token === ':' ? ': ' : token;
    previous = token;
  }
  return text;
}
