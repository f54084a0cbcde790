import { describeEventStore } from './conformance.ts';
import { openFreshLmdb } from './lmdb-directory.ts';

describeEventStore('lmdb', openFreshLmdb);
