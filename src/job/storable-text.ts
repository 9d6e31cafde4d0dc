const encoder = new TextEncoder();
const decoder = new TextDecoder();

const NUL_OR_SURROGATE = /[\0\uD800-\uDFFF]/;
const CUT = '…';
const CUT_BYTES = 3;
const MAX_BYTES_A_UNIT = 3;

/**
 * Text that every store can give back as it was: well-formed, without U+0000, at most `maxBytes` of UTF-8. What
 * cannot be kept becomes U+FFFD; what is too long is cut between characters and ends in "…". For text that
 * comes from elsewhere (errors, reasons), where losing a few characters beats losing the message.
 */
export function storableText(text: string, maxBytes: number): string {
  const fits = text.length * MAX_BYTES_A_UNIT <= maxBytes;
  if (fits && !NUL_OR_SURROGATE.test(text)) return text;
  const clean = text.replaceAll('\0', '\uFFFD');
  const buffer = new Uint8Array(maxBytes);
  // The encoder writes whole characters only, and U+FFFD for a surrogate without its partner.
  const { read, written } = encoder.encodeInto(clean, buffer);
  if (read === clean.length) return decoder.decode(buffer.subarray(0, written));
  const shorter = encoder.encodeInto(clean, buffer.subarray(0, maxBytes - CUT_BYTES));
  return decoder.decode(buffer.subarray(0, shorter.written)) + CUT;
}
