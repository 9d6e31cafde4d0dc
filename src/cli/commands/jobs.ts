import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addJobsAct } from './jobs-act.ts';
import { addJobsLs } from './jobs-ls.ts';
import { addShow } from './jobs-show.ts';

export function addJobs(program: Command, cli: Cli): void {
  const jobs = program.command('jobs').description('search, show, retry, cancel, discard and promote jobs');
  addJobsLs(jobs, cli);
  addShow(jobs, cli);
  addJobsAct(jobs, cli);
}
