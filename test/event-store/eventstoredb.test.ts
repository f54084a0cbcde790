import { describeEventStore } from './conformance.ts';
import { openFreshOnServer } from './shared-server.ts';

describeEventStore('eventstoredb', openFreshOnServer);
