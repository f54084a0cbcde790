import { appendInBulk, appendSingly, type Contender, openOurs, openSqlite, prepare } from './contender.ts';
import { interleaved, optionsOf, perSecond, printTable, type Row, times } from './measure.ts';

const cases = [
  { name: '1 in flight', inFlight: 1, events: 800, reachFirst: 0.45 },
  { name: '8 in flight', inFlight: 8, events: 5_000, reachFirst: 0.45 },
  { name: '64 in flight', inFlight: 64, events: 20_000, reachFirst: 0.7 },
  { name: '512 in flight', inFlight: 512, events: 40_000, reachFirst: 0.85 },
  { name: 'bulk, 500 an append', inFlight: 0, events: 20_000, reachFirst: 1.1 },
];

/** The rows of the store port against better-sqlite3. */
export async function append(args: readonly string[]): Promise<void> {
  const { repetitions, scale, only } = optionsOf(args);
  const rows: Row[] = [];
  for (const { name, inFlight, events, reachFirst } of cases) {
    if (!name.includes(only)) continue;
    const sqlite = await openSqlite();
    if (sqlite === null) return;
    const ours = await openOurs();
    const count = Math.round(events * scale);
    const measure = (store: Contender) => async () => {
      const prepared = prepare(count);
      return inFlight === 0 ? appendInBulk(store, prepared, 500) : appendSingly(store, prepared, inFlight);
    };
    const [baseline = 0, figure = 0] = await interleaved(repetitions, [measure(sqlite), measure(ours)]);
    rows.push([name, perSecond(baseline), perSecond(figure), times(figure / baseline), times(reachFirst)]);
    await sqlite.close();
    await ours.close();
  }
  printTable(`append of ready events, durable; baseline better-sqlite3; median of ${repetitions}`, rows);
}
