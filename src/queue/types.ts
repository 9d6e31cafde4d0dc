/**
 * Types of jobs by name. A queue is told its jobs as `Queue<{ welcome: { data: { to: string }; result: string } }>`,
 * as `Queue<{ welcome: { to: string } }>` when results do not matter, or not at all: its data is then as loose as
 * what `JSON.parse` gives. Schemas passed to the constructor say the same without any types written by hand.
 */

import type { StandardSchema } from '../job/schema.ts';
import type { Job } from './job.ts';

/** As loose as JSON itself, for queues whose jobs nobody described. */
export type Loose = ReturnType<JSON['parse']>;

/** Jobs of a queue that was told nothing: any name, any data. */
export type UntypedJobs = Record<string, Loose>;

type IsLoose<T> = 0 extends 1 & T ? true : false;

/** `{ data, result? }` and nothing else; every other shape is the data itself. */
type IsEnvelope<T> = T extends { readonly data?: unknown }
  ? Exclude<keyof T, 'data' | 'result'> extends never
    ? 'data' extends keyof T
      ? true
      : false
    : false
  : false;

type OutputOf<T> = T extends StandardSchema<infer _Input, infer Output> ? Output : T;
type InputOf<T> = T extends StandardSchema<infer Input, infer _Output> ? Input : T;

type Declared<T> = IsLoose<T> extends true ? Loose : IsEnvelope<T> extends true ? Member<T, 'data'> : T;
type Member<T, K extends string> = K extends keyof T ? Exclude<T[K], undefined> : never;

/** The names of a queue's jobs. */
export type NameOf<Jobs> = Extract<keyof Jobs, string>;

/** What is passed to `add`. */
export type DataInput<Jobs, Name extends NameOf<Jobs>> = InputOf<Declared<Jobs[Name]>>;

/** What the processor gets. */
export type DataOf<Jobs, Name extends NameOf<Jobs>> = OutputOf<Declared<Jobs[Name]>>;

/** What the processor returns, as `job.result()` gives it back. */
export type ResultOf<Jobs, Name extends NameOf<Jobs>> =
  IsLoose<Jobs[Name]> extends true
    ? Loose
    : IsEnvelope<Jobs[Name]> extends true
      ? [Member<Jobs[Name], 'result'>] extends [never]
        ? Loose
        : OutputOf<Member<Jobs[Name], 'result'>>
      : Loose;

/** One job of a queue; with several names a union in which `job.name` narrows `job.data`. */
export type JobOf<Jobs, Name extends NameOf<Jobs> = NameOf<Jobs>> = {
  [N in Name]: Job<DataOf<Jobs, N>, ResultOf<Jobs, N>, N>;
}[Name];

/** Schemas that fit jobs which were described by types. */
export type SchemasOf<Jobs> = {
  readonly [Name in NameOf<Jobs>]?: {
    readonly data?: StandardSchema<unknown, DataOf<Jobs, Name>>;
    readonly result?: StandardSchema<unknown, ResultOf<Jobs, Name>>;
  };
};
