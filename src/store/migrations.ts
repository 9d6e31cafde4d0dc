/** The tables of a store and their releases, for `millrace migrate`. Stores do all of it by themselves at first use. */

export interface MigrationState {
  /** What the store has; 0: it has no tables yet. */
  readonly found: number;
  /** What this release of Millrace writes and reads. */
  readonly release: number;
}

export interface MigrationSqlOptions {
  /** Only the steps after this one. Default 0: all. */
  readonly from?: number;
  /** Also what this role needs to be granted, to work without the right to make tables. */
  readonly role?: string;
}

export interface Migrations {
  state(): Promise<MigrationState>;
  /** Brings the tables up to this release; answers what they were at before. */
  up(): Promise<MigrationState>;
  /** The steps as a script, for people who run it themselves. */
  sql(options?: MigrationSqlOptions): string;
  close(): Promise<void>;
}
