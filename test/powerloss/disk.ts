/**
 * A disk as far as a power cut is concerned. Of every file it knows the bytes that are certain (as of the last flush
 * that returned) and the writes since, any of which may have happened or not; likewise of every directory the names
 * that are certain (as of its own last flush) and the changes since. A file is not its name: a flush of the file
 * says nothing about whether the directory knows it.
 */

import { dirname } from 'node:path';
import { type DiskStep, parentsOf } from './trace.ts';

export type Change =
  | { readonly kind: 'write'; readonly at: number; readonly data: Buffer; readonly order: number }
  | { readonly kind: 'truncate'; readonly size: number; readonly order: number };

/** A change of the names in a directory: `node` is null where the name goes away. */
export interface NameChange {
  readonly directory: string;
  readonly path: string;
  readonly node: Node | null;
  readonly order: number;
}

export interface FileNode {
  readonly kind: 'file';
  certain: Buffer;
  /** How often `certain` was replaced. */
  version: number;
  pending: Change[];
}
export interface DirectoryNode {
  readonly kind: 'directory';
}
export type Node = FileNode | DirectoryNode;

const newFile = (certain: Buffer = Buffer.alloc(0)): FileNode => ({
  kind: 'file',
  certain,
  version: 0,
  pending: [],
});

export class Disk {
  /** As the running program sees it. */
  readonly #names = new Map<string, Node>();
  /** Names that are certain. */
  readonly certainNames: Map<string, Node> = new Map<string, Node>();
  pendingNames: NameChange[] = [];
  readonly root: string;
  #order = 0;

  /** @param before Files that are on disk from the start, with their directories. */
  constructor(before: ReadonlyMap<string, Buffer>, root: string) {
    this.root = root;
    for (const [path, bytes] of before) {
      for (const parent of parentsOf(path, root)) this.#names.set(parent, { kind: 'directory' });
      this.#names.set(path, newFile(bytes));
    }
    for (const [path, node] of this.#names) this.certainNames.set(path, node);
  }

  /** Files that may be on disk, by their present or a former name. */
  files(): [path: string, node: FileNode][] {
    const all = [
      ...this.certainNames,
      ...this.pendingNames.map(({ path, node }): [string, Node | null] => [path, node]),
    ];
    const seen = new Set<Node>();
    return all.flatMap(([path, node]): [string, FileNode][] => {
      if (node === null || node.kind !== 'file' || seen.has(node)) return [];
      seen.add(node);
      return [[path, node]];
    });
  }

  get hasPending(): boolean {
    return this.pendingNames.length > 0 || this.files().some(([, { pending }]) => pending.length > 0);
  }

  /** Answers whether the step changed anything. `order` is the number of the step. */
  apply(step: DiskStep, order: number): boolean {
    this.#order = order;
    switch (step.kind) {
      case 'make-directory':
        return this.#name(step.path, { kind: 'directory' });
      case 'make-file':
        return this.#names.has(step.path) ? false : this.#name(step.path, newFile());
      case 'write':
        return this.#change(step.path, { kind: 'write', at: step.at, data: step.data, order });
      case 'truncate':
        return this.#change(step.path, { kind: 'truncate', size: step.size, order });
      case 'unlink':
        return this.#unname(step.path);
      case 'rename':
        return this.#rename(step.from, step.path);
      case 'flush':
        return this.#flush(step.path, step.begun);
    }
  }

  #name(path: string, node: Node): boolean {
    this.#names.set(path, node);
    this.pendingNames.push({ directory: dirname(path), path, node, order: this.#order });
    return true;
  }

  #unname(path: string): boolean {
    if (!this.#names.delete(path)) return false;
    this.pendingNames.push({ directory: dirname(path), path, node: null, order: this.#order });
    return true;
  }

  #rename(from: string, to: string): boolean {
    const node = this.#names.get(from);
    if (node === undefined) return false;
    this.#unname(from);
    return this.#name(to, node);
  }

  #change(path: string, change: Change): boolean {
    const node = this.#names.get(path);
    if (node?.kind !== 'file') throw new Error(`${path} is written and was never made`);
    node.pending.push(change);
    return true;
  }

  /** What was under way when the flush began is not covered by it. */
  #flush(path: string, begun: number): boolean {
    const node = this.#names.get(path);
    if (node?.kind !== 'file') return this.#flushNames(path, begun);
    const covered = node.pending.filter(({ order }) => order < begun);
    if (covered.length === 0) return false;
    node.certain = applied(node.certain, covered);
    node.version += 1;
    node.pending = node.pending.filter(({ order }) => order >= begun);
    return true;
  }

  #flushNames(directory: string, begun: number): boolean {
    const isCovered = (change: NameChange): boolean => change.directory === directory && change.order < begun;
    const covered = this.pendingNames.filter(isCovered);
    for (const { path, node } of covered) setName(this.certainNames, path, node);
    this.pendingNames = this.pendingNames.filter((change) => !isCovered(change));
    return covered.length > 0;
  }
}

export function setName(names: Map<string, Node>, path: string, node: Node | null): void {
  if (node === null) names.delete(path);
  else names.set(path, node);
}

/** The bytes after some changes, in their order; the given ones stay as they are. */
export function applied(before: Buffer, changes: readonly Change[]): Buffer {
  let size = before.length;
  let most = size;
  for (const change of changes) {
    size = change.kind === 'truncate' ? change.size : Math.max(size, change.at + change.data.length);
    most = Math.max(most, size);
  }
  const bytes = Buffer.alloc(most);
  before.copy(bytes);
  let end = before.length;
  for (const change of changes) {
    if (change.kind === 'truncate') {
      // What lies beyond reads as zeros when the file grows again.
      if (change.size < end) bytes.fill(0, change.size, end);
      end = change.size;
    } else {
      change.data.copy(bytes, change.at);
      end = Math.max(end, change.at + change.data.length);
    }
  }
  return bytes.subarray(0, size);
}
