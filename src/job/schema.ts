/**
 * Checks of payloads and results by any library that speaks Standard Schema (zod, valibot, arktype …). The
 * interface is copied from its specification, which asks for that, so that nothing has to be installed.
 */

import { type Problem, SchemaMismatchError } from '../errors.ts';

/** A schema as Standard Schema 1 defines it. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': StandardSchemaProps<Input, Output>;
}

interface StandardSchemaProps<Input, Output> {
  readonly version: 1;
  readonly vendor: string;
  readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Schemas of one job name. A schema has to accept what it gives out: workers check the stored value again. */
export interface JobSchemas {
  readonly data?: StandardSchema;
  readonly result?: StandardSchema;
}

/** Schemas by job name. */
export type Schemas = Readonly<Record<string, JobSchemas>>;

export function isStandardSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const props: unknown = Reflect.get(value, '~standard');
  return typeof props === 'object' && props !== null && typeof Reflect.get(props, 'validate') === 'function';
}

/** The schema for a job name, or undefined. A name such as `constructor` reaches no prototype. */
export function schemaFor(
  schemas: Schemas | undefined,
  name: string,
  part: 'data' | 'result',
): StandardSchema | undefined {
  return schemas !== undefined && Object.hasOwn(schemas, name) ? schemas[name]?.[part] : undefined;
}

/**
 * What the schema makes of the value: trimmed, coerced, with its defaults. That is what is stored.
 *
 * @param subject What is checked, for the message: `data of job "welcome" in queue "emails"`.
 * @param root First part of the paths of the issues: `data` or `result`.
 * @throws SchemaMismatchError with every issue.
 */
export async function applySchema(
  schema: StandardSchema,
  value: unknown,
  subject: string,
  root: string,
): Promise<unknown> {
  const result = await schema['~standard'].validate(value);
  if (result.issues === undefined) return result.value;
  throw new SchemaMismatchError(
    subject,
    result.issues.map((issue) => problemOf(issue, root)),
  );
}

function problemOf(issue: SchemaIssue, root: string): Problem {
  const steps = (issue.path ?? []).map((step) => (typeof step === 'object' ? step.key : step));
  const path = steps.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
  return { path: root + path, message: issue.message };
}
