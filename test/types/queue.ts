/** Types of the public API, checked by the compiler: nothing here runs. */

import type { StandardSchemaV1 } from '@standard-schema/spec';
import {
  type Job,
  type JobState,
  Queue,
  type QueueEvents,
  type QueueOptions,
  type StandardSchema,
  Worker,
} from 'millrace';
import { expectTypeOf } from 'vitest';
import { z } from 'zod';

type Mail = { readonly to: string };
type Jobs = {
  welcome: { data: Mail; result: { id: string } };
  digest: { data: { readonly day: number } };
  /** Data itself, without a word about the result. */
  goodbye: Mail;
};

// ------------------------------------------------------------------------------------ jobs by name

export async function namedJobs(queue: Queue<Jobs>): Promise<void> {
  const welcome = await queue.add('welcome', { to: 'ada' }, { attempts: 3, delay: '1h30m' });
  expectTypeOf(welcome).toEqualTypeOf<Job<Mail, { id: string }, 'welcome'>>();
  expectTypeOf(welcome.data.to).toEqualTypeOf<string>();
  expectTypeOf(welcome.name).toEqualTypeOf<'welcome'>();
  expectTypeOf(await welcome.result()).toEqualTypeOf<{ id: string }>();
  expectTypeOf(welcome.returnvalue).toEqualTypeOf<{ id: string } | null>();
  await welcome.updateData({ to: 'bob' });

  const goodbye = await queue.add('goodbye', { to: 'ada' });
  expectTypeOf(goodbye.data).toEqualTypeOf<Mail>();

  // @ts-expect-error: there is no job of that name
  await queue.add('wellcome', { to: 'ada' });
  // @ts-expect-error: the data of another job
  await queue.add('welcome', { day: 1 });
  // @ts-expect-error: data is missing
  await queue.add('welcome');
  // @ts-expect-error: no such option
  await queue.add('welcome', { to: 'ada' }, { attempt: 3 });
  // @ts-expect-error: no such unit
  await queue.add('welcome', { to: 'ada' }, { delay: '1 hour' });
  // @ts-expect-error: a count belongs to the queue
  await queue.add('welcome', { to: 'ada' }, { removeOnComplete: 100 });
  // @ts-expect-error: the data of another job
  await welcome.updateData({ day: 1 });
}

export async function bulkOfNamedJobs(queue: Queue<Jobs>): Promise<void> {
  await queue.addBulk([
    { name: 'welcome', data: { to: 'ada' }, opts: { priority: 1 } },
    { name: 'digest', data: { day: 1 } },
  ]);
  // @ts-expect-error: the data of another job
  await queue.addBulk([{ name: 'digest', data: { to: 'ada' } }]);
}

export async function readingNamedJobs(queue: Queue<Jobs>): Promise<void> {
  const job = await queue.getJob('id');
  if (job?.name === 'digest') expectTypeOf(job.data.day).toEqualTypeOf<number>();
  if (job?.name === 'welcome') expectTypeOf(job.data).toEqualTypeOf<Mail>();

  const counts = await queue.getJobCounts('waiting', 'active');
  expectTypeOf(counts).toEqualTypeOf<Record<'waiting' | 'active', number>>();
  expectTypeOf(await queue.getJobCounts()).toEqualTypeOf<Record<JobState, number>>();
  // @ts-expect-error: no such state
  await queue.getJobCounts('wait');

  expectTypeOf(await queue.redrive('id')).toEqualTypeOf<undefined>();
  expectTypeOf((await queue.redrive(['id'])).done).toEqualTypeOf<number>();
  expectTypeOf((await queue.redrive({ states: ['failed'] })).id).toEqualTypeOf<string>();
}

/** An interface, which has no index signature, describes jobs as well as a type. */
interface JobsOfInterface {
  welcome: { data: Mail; result: string };
}
export async function interfaceOfJobs(queue: Queue<JobsOfInterface>): Promise<void> {
  expectTypeOf(await (await queue.add('welcome', { to: 'ada' })).result()).toEqualTypeOf<string>();
}

/** Data that happens to have a field `data` is data. */
type JobsWithField = { upload: { readonly data: string; readonly name: string } };
export async function dataWithField(queue: Queue<JobsWithField>): Promise<void> {
  const job = await queue.add('upload', { data: 'x', name: 'y' });
  expectTypeOf(job.data).toEqualTypeOf<{ readonly data: string; readonly name: string }>();
}

// -------------------------------------------------------------------------------------- no types at all

export async function untypedQueue(): Promise<void> {
  const queue = new Queue('orders', { connection: 'memory:' });
  const job = await queue.add('anything', { orderId: 7 });
  const { orderId } = job.data;
  expectTypeOf(orderId).toBeAny();
  expectTypeOf(await job.result()).toBeAny();
  expectTypeOf(queue.add<string>)
    .parameter(0)
    .toEqualTypeOf<string>();
  // @ts-expect-error: a name is a string
  await queue.add(7, {});

  const options: QueueOptions = { connection: 'memory:', defaultJobOptions: { attempts: 3 } };
  await new Queue('orders', options).add('anything', { orderId: 7 });
}

// ------------------------------------------------------------------------------------------- schemas

const schemas = {
  welcome: {
    data: z.object({ to: z.string(), copies: z.number().default(1) }),
    result: z.object({ id: z.string() }),
  },
  digest: { data: z.object({ day: z.coerce.date().transform((day) => day.getTime()) }) },
};

export async function schemasTellTypes(): Promise<void> {
  const queue = new Queue('mails', { schemas });
  const job = await queue.add('welcome', { to: 'ada' });
  expectTypeOf(job.data).toEqualTypeOf<{ to: string; copies: number }>();
  expectTypeOf(await job.result()).toEqualTypeOf<{ id: string }>();

  // What goes in is what the schema takes, what comes out is what it makes of it.
  const digest = await queue.add('digest', { day: '2026-01-01' });
  expectTypeOf(digest.data.day).toEqualTypeOf<number>();

  // @ts-expect-error: the schema wants a string
  await queue.add('welcome', { to: 1 });
  // @ts-expect-error: there is no schema of that name
  await queue.add('wellcome', { to: 'ada' });
}

export function schemasBesideTypes(welcome: StandardSchema<unknown, Mail>): void {
  new Queue<Jobs>('mails', { schemas: { welcome: { data: welcome } } });
  // @ts-expect-error: the schema makes something else of it
  new Queue<Jobs>('mails', { schemas: { digest: { data: welcome } } });
  // @ts-expect-error: there is no job of that name
  new Queue<Jobs>('mails', { schemas: { wellcome: { data: welcome } } });
}

/** The interface was copied: whatever is a schema by the specification is one here, and the other way round. */
export function schemasOfTheSpecification(
  theirs: StandardSchemaV1<string, Mail>,
  ours: StandardSchema,
): void {
  expectTypeOf(theirs).toExtend<StandardSchema<string, Mail>>();
  expectTypeOf(ours).toExtend<StandardSchemaV1>();
}

// ------------------------------------------------------------------------------------------- workers

export function workerOfNamedJobs(): void {
  const worker = new Worker<Jobs>('mails', async (job, ctx) => {
    expectTypeOf(ctx.signal).toEqualTypeOf<AbortSignal>();
    if (job.name === 'welcome') expectTypeOf(job.data).toEqualTypeOf<Mail>();
    if (job.name === 'digest') expectTypeOf(job.data.day).toEqualTypeOf<number>();
    return { id: 'x' };
  });
  worker.on('completed', (job) => {
    if (job.name === 'digest') expectTypeOf(job.data.day).toEqualTypeOf<number>();
  });
  // @ts-expect-error: no such event
  worker.on('complete', () => {});
}

export function untypedWorker(): void {
  new Worker('orders', async (job) => {
    const { orderId, lines } = job.data;
    expectTypeOf(orderId).toBeAny();
    expectTypeOf(lines).toBeAny();
    return { status: 'completed' };
  });
}

// -------------------------------------------------------------------------------------------- events

export function eventsOfQueue(events: QueueEvents): void {
  events.on('completed', ({ jobId, returnvalue }) => {
    expectTypeOf(jobId).toEqualTypeOf<string>();
    expectTypeOf(returnvalue).toBeAny();
  });
  events.on('failed', ({ failedReason }) => expectTypeOf(failedReason).toEqualTypeOf<string>());
  // @ts-expect-error: no such event
  events.on('finished', () => {});
}
