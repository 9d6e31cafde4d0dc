import { tellHistories } from './histories.ts';

tellHistories(2, 2);
