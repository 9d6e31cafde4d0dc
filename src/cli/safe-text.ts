/**
 * Job data comes from anywhere and a terminal obeys what it is sent: an error message may clear the screen,
 * retitle the window or fake a prompt. Everything that a store gave is passed through here before it is shown.
 */

// Controls (C0, C1, DEL), line and paragraph separators, half characters, marks that turn the direction of text.
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}\ufeff]/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function visible(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  const code = character.charCodeAt(0);
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** One line that does nothing to a terminal; what was dangerous is shown in the form `\x1b`. */
export function safeText(text: string): string {
  return text.replace(UNSAFE, visible);
}

/** Lines that do nothing to a terminal; only the line ends are kept. */
export function safeLines(text: string): string[] {
  return text.split(/\r?\n/).map(safeText);
}

/** For JSON text: the same characters as `\u001b`, which leaves the value as it was. */
export function escapeJsonControls(json: string): string {
  return json.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

// Wide in every terminal font: Hangul, CJK, kana, full-width forms, emoji.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const ZERO = /\p{Mn}|\p{Me}|\u200d|\ufe0f/u;

/** Columns that a text takes on a terminal. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += ZERO.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** The text, cut to at most `columns` with an ellipsis. */
export function cutText(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  let cut = '';
  let width = 0;
  for (const character of text) {
    width += textWidth(character);
    if (width > columns - 1) break;
    cut += character;
  }
  return `${cut}…`;
}
