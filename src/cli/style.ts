import { styleText } from 'node:util';
import type { Sink } from './terminal.ts';

export type Tint = 'good' | 'bad' | 'warn' | 'dim' | 'strong';

const FORMATS = {
  good: 'green',
  bad: 'red',
  warn: 'yellow',
  dim: 'gray',
  strong: 'bold',
} as const satisfies Record<Tint, string>;

export type Paint = (tint: Tint, text: string) => string;

// Newer Node versions look at the stream themselves; here the sink has decided already.
const paintAlways = styleText as (format: string, text: string, options: object) => string;

/** Colours for people, nothing for pipes. */
export function paintFor(sink: Sink): Paint {
  return (tint, text) => (sink.colour ? paintAlways(FORMATS[tint], text, { validateStream: false }) : text);
}
