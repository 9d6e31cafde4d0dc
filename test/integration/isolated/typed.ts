import type { Processor } from 'millrace';

type Jobs = { welcome: { data: { to: string }; result: { from: string; to: string } } };

export const processor: Processor<Jobs> = async (job) => ({ from: 'typed', to: job.data.to });
