import { tellHistories } from './histories.ts';

tellHistories(1, 2);
