/** Each folder that stands for a store has a database of its own on the servers of the bench. */

import { createHash } from 'node:crypto';

const DATABASES = 4096;

export const databaseOf = (folder) => createHash('sha1').update(folder).digest().readUInt32BE() % DATABASES;
