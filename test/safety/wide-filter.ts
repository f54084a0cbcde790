import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import { compileFilter } from '../../src/safety/term-filter.ts';

/** The bundled lists, and one of short words that invite mistakes. */
const invitations = {
  id: 'invitations',
  category: 'x',
  terms: (
    'ass arsch bombe bitch cock coke cop crack cum dick drogen gras hass hell ill koks massaker nazi piss porno rape ' +
    'rat sau scheiße sex sexy shit suizid slut tit tits tot tod toten tottel toter hure kot kacke kiffen kai nato gift ' +
    'daemon großmaul kuss über müll аборт кровь μαχη ass hat'
  ).split(' '),
};
const filter = compileFilter([...bundledPolicy.lists, invitations]);
const lists = new Set([...bundledPolicy.lists.map(({ id }) => id), invitations.id]);

/** What stands where in a text, by the bundled lists and by the invitations. */
export const found = (text: string): { readonly term: string; readonly at: string }[] =>
  filter
    .scan(text, lists)
    .hits.flatMap(({ term, spans }) => spans.map(({ start, end }) => ({ term, at: text.slice(start, end) })));
