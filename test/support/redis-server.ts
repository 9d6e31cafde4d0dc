/** Redis servers of a test's own, which it may stop, crash and set up as it likes. */

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly directory: string;
  pid(): number;
  /** One command, by a connection of its own. */
  ask(...words: (string | number)[]): Promise<string>;
  /** Leaves it down; `restart` begins it again on the same files. */
  crash(): Promise<void>;
  restart(
    how?: 'fast' | 'kill',
    options?: { readonly settings?: Readonly<Record<string, string>> },
  ): Promise<void>;
  /** For good; the data go with it. */
  stop(): Promise<void>;
}

/** Masters that share the slots, each followed by its replicas. */
export interface RedisCluster {
  readonly url: string;
  readonly nodes: readonly RedisServer[];
  stop(): Promise<void>;
}

export interface ClusterOptions {
  readonly masters?: number;
  /** Of each master. */
  readonly replicas?: number;
  readonly settings?: Readonly<Record<string, string>>;
}

interface Scripts {
  startCluster(options: ClusterOptions): Promise<RedisCluster>;
  findBinary(): string | null;
  startServer(options?: { readonly settings?: Readonly<Record<string, string>> }): Promise<RedisServer>;
}

/** The scripts are plain Node and have no types. */
const file: string = '../../scripts/redis.mjs';
const scripts = (await import(file)) as Scripts;

/** Said once, loudly. Where CI runs, the tests run all the same, and fail. */
export const noServer: boolean = scripts.findBinary() === null && process.env['CI'] !== 'true';
if (noServer) process.stderr.write('\nRedis is not installed: tests with servers of their own are SKIPPED\n');

export const startServer = (settings: Readonly<Record<string, string>> = {}): Promise<RedisServer> =>
  scripts.startServer({ settings });

export const startCluster = (options: ClusterOptions = {}): Promise<RedisCluster> =>
  scripts.startCluster(options);
