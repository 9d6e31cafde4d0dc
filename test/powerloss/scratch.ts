import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';

const MEMORY = '/dev/shm';

/** Images are written by the thousand and never have to last: the memory of the machine is the place for them. */
export const imagesFolder = (): string => (existsSync(MEMORY) ? MEMORY : tmpdir());
