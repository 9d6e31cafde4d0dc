/**
 * A source text with its comments and the insides of its strings blanked out, line for line, so that a rule about
 * identifiers does not trip over prose. Knows just enough of the language for that.
 */

interface Reader {
  readonly text: string;
  at: number;
  out: string;
}

const blank = (text: string): string => text.replace(/[^\n]/g, ' ');

/** Copies `length` characters as they are. */
function keep(reader: Reader, length: number): void {
  reader.out += reader.text.slice(reader.at, reader.at + length);
  reader.at += length;
}

function hideTo(reader: Reader, end: number): void {
  const stop = end < 0 ? reader.text.length : end;
  reader.out += blank(reader.text.slice(reader.at, stop));
  reader.at = stop;
}

function hideString(reader: Reader, quote: string): void {
  let end = reader.at + 1;
  while (end < reader.text.length && reader.text[end] !== quote) end += reader.text[end] === '\\' ? 2 : 1;
  keep(reader, 1);
  hideTo(reader, end);
  keep(reader, 1);
}

function hideTemplate(reader: Reader): void {
  keep(reader, 1);
  while (reader.at < reader.text.length && reader.text[reader.at] !== '`') {
    if (reader.text.startsWith('${', reader.at)) {
      keep(reader, 2);
      copyCode(reader, '}');
      keep(reader, 1);
    } else hideTo(reader, reader.at + (reader.text[reader.at] === '\\' ? 2 : 1));
  }
  keep(reader, 1);
}

function hideRegExp(reader: Reader): void {
  let end = reader.at + 1;
  let inClass = false;
  while (end < reader.text.length && (inClass || reader.text[end] !== '/')) {
    if (reader.text[end] === '[') inClass = true;
    if (reader.text[end] === ']') inClass = false;
    end += reader.text[end] === '\\' ? 2 : 1;
  }
  keep(reader, 1);
  hideTo(reader, end);
  keep(reader, 1);
}

/** A slash begins a regular expression where a value may begin. */
const VALUE_MAY_BEGIN = /(^|[=(,:;!&|?{}[+>]|\breturn|\bof|\bin)\s*$/;

function hideOne(reader: Reader): boolean {
  const { text, at } = reader;
  const char = text[at];
  if (text.startsWith('//', at)) hideTo(reader, text.indexOf('\n', at));
  else if (text.startsWith('/*', at)) hideTo(reader, (text.indexOf('*/', at) + 2) % (text.length + 1));
  else if (char === "'" || char === '"') hideString(reader, char);
  else if (char === '`') hideTemplate(reader);
  else if (char === '/' && VALUE_MAY_BEGIN.test(reader.out.slice(-80))) hideRegExp(reader);
  else return false;
  return true;
}

/** Copies code up to a closing brace of its own level, or to the end. */
function copyCode(reader: Reader, until: '}' | null): void {
  let depth = 0;
  while (reader.at < reader.text.length) {
    if (hideOne(reader)) continue;
    const char = reader.text[reader.at];
    if (char === '}' && depth === 0 && until !== null) return;
    if (char === '{') depth += 1;
    if (char === '}') depth -= 1;
    keep(reader, 1);
  }
}

export function codeOnly(text: string): string {
  const reader: Reader = { text, at: 0, out: '' };
  copyCode(reader, null);
  return reader.out;
}
