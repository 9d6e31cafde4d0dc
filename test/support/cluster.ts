/** A PostgreSQL server of a test's own, which it may stop, crash and set up as it likes. */

export interface Cluster {
  readonly url: string;
  readonly port: number;
  readonly directory: string;
  /** Where the server's programs are. */
  readonly binaries: string;
  /** Of the process that all others of the server come from. */
  pid(): number;
  /** `immediate`: a crash. With other settings if need be, as in `-c`. */
  restart(how?: 'fast' | 'immediate', options?: { readonly settings?: readonly string[] }): Promise<void>;
  /** For good; the data go with it. */
  stop(): Promise<void>;
}

export interface ClusterOptions {
  /** `['synchronous_commit=off']` */
  readonly settings?: readonly string[];
  /** False: with flushes, as a server is that keeps its promises. Default true. */
  readonly fast?: boolean;
}

interface Scripts {
  findBinaries(): string | null;
  startCluster(options: ClusterOptions): Promise<Cluster>;
}

/** The scripts are plain Node and have no types. */
const file: string = '../../scripts/postgres.mjs';
const scripts = (await import(file)) as Scripts;

/** Said once, loudly. Where CI runs, the tests run all the same, and fail. */
export const noServer: boolean = scripts.findBinaries() === null && process.env['CI'] !== 'true';
if (noServer) {
  process.stderr.write('\nPostgreSQL is not installed: tests with servers of their own are SKIPPED\n');
}

export const startCluster = (options: ClusterOptions = {}): Promise<Cluster> => scripts.startCluster(options);
