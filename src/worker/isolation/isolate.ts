import type { ProcessorContext } from '../context.ts';
import type { RunningJob } from '../running-job.ts';
import type { ChildPool, PoolOptions } from './child-pool.ts';

export interface Isolated {
  /** Runs the job in a child. */
  readonly processor: (job: RunningJob, ctx: ProcessorContext) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

/** What it takes is loaded with the first job: most programs have their processors in process. */
export function isolate(options: PoolOptions): Isolated {
  let opened: Promise<ChildPool> | null = null;
  const open = async (): Promise<ChildPool> => {
    const { ChildPool } = await import('./child-pool.ts');
    return new ChildPool(options);
  };
  return {
    processor: async (job, ctx) => {
      opened ??= open();
      return (await opened).run(job, ctx);
    },
    close: async () => (await opened)?.close(),
  };
}
