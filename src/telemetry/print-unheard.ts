/** The last resort for errors that nobody listens to: one line on standard error for each distinct message. */

/** Beyond this the oldest are forgotten and may be printed again: the memory must not grow with the errors. */
const MAX_REMEMBERED = 200;

const printed = new Set<string>();

export function printUnheard(
  source: string,
  error: Error,
  write: (line: string) => void = (line) => process.stderr.write(line),
): void {
  const line = `millrace: ${source}: ${error.name}: ${error.message}`;
  if (printed.has(line)) return;
  for (const oldest of printed) {
    if (printed.size < MAX_REMEMBERED) break;
    printed.delete(oldest);
  }
  printed.add(line);
  write(`${line}\n  (listen to 'error' events to handle this; the same message is not printed again)\n`);
}
