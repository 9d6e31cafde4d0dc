/** The plans of all statements that a PostgreSQL store runs, those inside of functions too, as the server tells them. */

import { type Pool, default as pg } from 'pg';
import { postgresUrl } from './postgres.ts';

/** As the server spells it, as far as it is looked at here. */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly PlanNode[];
}

export interface Explained {
  readonly text: string;
  /** Of the whole statement, with the statements inside of its functions. */
  readonly blocks: number;
  readonly nodes: readonly PlanNode[];
}

const SETTINGS = [
  "load 'auto_explain'",
  ...['analyze', 'buffers', 'nested_statements'].map((name) => `set auto_explain.log_${name} = on`),
  ...['set auto_explain.log_timing = off', 'set auto_explain.log_format = json'],
  ...['set auto_explain.log_level = notice', 'set auto_explain.log_min_duration = 0'],
];

export class Explaining {
  readonly pool: Pool;
  readonly #seen: Explained[] = [];

  constructor() {
    this.pool = new pg.Pool({ connectionString: postgresUrl(), max: 2 });
    this.pool.on('connect', (client) => {
      client.on('notice', ({ message = '' }) => this.#note(message));
      void client.query(SETTINGS.join('; '));
    });
  }

  /** What a call of the store ran. */
  async of(call: () => Promise<unknown>): Promise<Explained[]> {
    this.#seen.length = 0;
    await call();
    return [...this.#seen];
  }

  end(): Promise<void> {
    return this.pool.end();
  }

  #note(message: string): void {
    const at = message.indexOf('plan:\n');
    if (at === -1) return;
    const { 'Query Text': text, Plan: plan } = JSON.parse(message.slice(at + 6)) as {
      'Query Text': string;
      Plan: PlanNode;
    };
    const blocks = plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
    this.#seen.push({ text: text.replaceAll(/\s+/g, ' ').trim(), blocks, nodes: [...nodesOf(plan)] });
  }
}

function* nodesOf(plan: PlanNode): Generator<PlanNode> {
  yield plan;
  for (const part of plan.Plans ?? []) yield* nodesOf(part);
}

/** Rows that a node gave and those that it looked at in vain. */
export function touched(node: PlanNode): number {
  return (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
}
