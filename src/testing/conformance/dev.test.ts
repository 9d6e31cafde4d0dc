import { describe, it } from 'vitest';
import { memoryStore } from '../../store/memory/index.ts';
import { describeStore } from './describe-store.ts';

describeStore({ name: 'memory', open: async (clock) => memoryStore({ clock }) }, { describe, it });
