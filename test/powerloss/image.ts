/** What a power cut may leave of a disk: in each of these ways, of one moment. */

import { applied, type Change, type Disk, type FileNode, type Node, setName } from './disk.ts';
import { parentsOf } from './trace.ts';

/** By path; a directory is null. */
export type Image = ReadonlyMap<string, Buffer | null>;

export const WAY_NAMES = [
  'lost',
  'kept',
  'some',
  'sectors',
  'torn',
  'log-only',
  'database-only',
  'no-names',
  'names-only',
  'zeros',
] as const;
export type WayName = (typeof WAY_NAMES)[number];

export interface Way {
  readonly says: string;
  /** Whether chance plays a part, so that the same moment gives many images. */
  readonly isRandom: boolean;
  /** Whether it differs from the other ways at this moment. */
  readonly applies: (disk: Disk) => boolean;
  readonly names: (disk: Disk, random: () => number) => ReadonlyMap<string, Node>;
  readonly bytes: (file: FileNode, cut: Cut) => Buffer;
}

export interface Cut {
  readonly path: string;
  readonly random: () => number;
  /** The step at which the disk stopped, for ways that keep the order of all writes. */
  readonly stop: number;
}

const SECTOR = 512;

const isDatabase = (path: string): boolean => path.endsWith('.db');
const always = (): boolean => true;
const hasWrites = (disk: Disk, where: (path: string) => boolean = always): boolean =>
  disk.files().some(([path, { pending }]) => where(path) && pending.length > 0);

function allNames(disk: Disk): Map<string, Node> {
  return namesWith(disk, always);
}

function namesWith(disk: Disk, isKept: (order: number) => boolean): Map<string, Node> {
  const names = new Map(disk.certainNames);
  for (const { path, node, order } of disk.pendingNames) if (isKept(order)) setName(names, path, node);
  return names;
}

const someNames = (disk: Disk, random: () => number): Map<string, Node> =>
  namesWith(disk, () => random() < 0.5);

const kept = (file: FileNode): Buffer => applied(file.certain, file.pending);
const lost = (file: FileNode): Buffer => file.certain;

/** The size as it should be, and zeros where the data did not arrive. */
function grown(file: FileNode): Buffer {
  const bytes = Buffer.alloc(kept(file).length);
  file.certain.copy(bytes);
  return bytes;
}

const grows = ({ certain, pending }: FileNode): boolean =>
  pending.some((change) => change.kind === 'write' && change.at + change.data.length > certain.length);

/** Every sector of every write by itself: nothing says that a write of a page is one. */
function bySector(file: FileNode, { random }: Cut): Buffer {
  const changes = file.pending.flatMap((change): Change[] => {
    if (change.kind === 'truncate') return random() < 0.5 ? [change] : [];
    return sectorsOf(change.at, change.data.length)
      .filter(() => random() < 0.5)
      .map(([from, to]) => ({ ...change, at: change.at + from, data: change.data.subarray(from, to) }));
  });
  return applied(file.certain, changes);
}

function sectorsOf(at: number, length: number): [from: number, to: number][] {
  const sectors: [number, number][] = [];
  for (let from = 0; from < length; ) {
    const to = Math.min(length, from + SECTOR - ((at + from) % SECTOR));
    sectors.push([from, to]);
    from = to;
  }
  return sectors;
}

/** All writes in their order up to some moment, the last of them cut at a sector. */
function torn(file: FileNode, { random, stop }: Cut): Buffer {
  const whole = file.pending.filter(({ order }) => order < stop);
  const last = file.pending.find(({ order }) => order === stop);
  if (last?.kind !== 'write') return applied(file.certain, whole);
  const size = SECTOR * Math.floor(random() * Math.ceil(last.data.length / SECTOR));
  return applied(file.certain, [...whole, { ...last, data: last.data.subarray(0, size) }]);
}

const WAYS: Readonly<Record<WayName, Way>> = {
  lost: {
    says: 'nothing since the last flush',
    isRandom: false,
    applies: always,
    names: (disk) => disk.certainNames,
    bytes: lost,
  },
  kept: { says: 'everything', isRandom: false, applies: always, names: allNames, bytes: kept },
  some: {
    says: 'some of the writes, any of them',
    isRandom: true,
    applies: (disk) => disk.hasPending,
    names: someNames,
    bytes: (file, { random }) =>
      applied(
        file.certain,
        file.pending.filter(() => random() < 0.5),
      ),
  },
  sectors: {
    says: 'some sectors of the writes, any of them',
    isRandom: true,
    applies: hasWrites,
    names: allNames,
    bytes: bySector,
  },
  torn: {
    says: 'the writes in their order up to one that is torn',
    isRandom: true,
    applies: hasWrites,
    names: allNames,
    bytes: torn,
  },
  'log-only': {
    says: 'all writes but those to the database',
    isRandom: false,
    applies: (disk) => hasWrites(disk, isDatabase),
    names: allNames,
    bytes: (file, { path }) => (isDatabase(path) ? lost(file) : kept(file)),
  },
  'database-only': {
    says: 'only the writes to the database',
    isRandom: false,
    applies: (disk) => hasWrites(disk, (path) => !isDatabase(path)),
    names: allNames,
    bytes: (file, { path }) => (isDatabase(path) ? kept(file) : lost(file)),
  },
  'no-names': {
    says: 'all writes, but no new, changed or removed name',
    isRandom: false,
    applies: (disk) => disk.pendingNames.length > 0,
    names: (disk) => disk.certainNames,
    bytes: kept,
  },
  'names-only': {
    says: 'all names, but nothing written since the last flush',
    isRandom: false,
    applies: (disk) => disk.pendingNames.length > 0,
    names: allNames,
    bytes: lost,
  },
  zeros: {
    says: 'files that have grown, with zeros in place of the data',
    isRandom: false,
    applies: (disk) => disk.files().some(([, file]) => grows(file)),
    names: allNames,
    bytes: grown,
  },
};

export function wayOf(name: WayName): Way {
  return WAYS[name];
}

export function imageOf(disk: Disk, name: WayName, random: () => number): Image {
  const way = wayOf(name);
  const orders = disk.files().flatMap(([, { pending }]) => pending.map(({ order }) => order));
  const stop = orders.toSorted((one, other) => one - other)[Math.floor(random() * orders.length)] ?? 0;
  const names = way.names(disk, random);
  const image = new Map<string, Buffer | null>();
  for (const [path, node] of names) {
    if (!isReachable(path, names, disk.root)) continue;
    image.set(path, node.kind === 'file' ? way.bytes(node, { path, random, stop }) : null);
  }
  return image;
}

/** A file in a directory whose own name was lost is lost with it. */
function isReachable(path: string, names: ReadonlyMap<string, Node>, root: string): boolean {
  return parentsOf(path, root).every((parent) => names.get(parent)?.kind === 'directory');
}
