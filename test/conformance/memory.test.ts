import { describeStore, memoryStore } from 'millrace/testing';
import { describe, it } from 'vitest';

describeStore({ name: 'memory', open: async (clock) => memoryStore({ clock }) }, { describe, it });
