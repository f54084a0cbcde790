import { bundledGuard, bundledLawJudge } from './bundled-models.ts';
import type { PolicyDocument } from './policy.ts';

const words = (listed: string): string[] => listed.split(', ');

const messages: PolicyDocument['messages'] = {
  law_86a: {
    en: 'Section 86a of the German Criminal Code forbids showing the signs of banned organisations, so that nobody is threatened by them again. In art, science, teaching and reporting they may be shown to explain them: in this workshop that is for grown-ups to decide.',
    de: 'Paragraf 86a des Strafgesetzbuchs verbietet, Zeichen verbotener Organisationen zu zeigen, damit niemand wieder von ihnen bedroht wird. In Kunst, Wissenschaft, Unterricht und Berichten dürfen sie erklärend vorkommen: In diesem Workshop entscheiden das Erwachsene.',
  },
  violence: {
    en: 'Pictures of hurt people stay in the mind for a long time, and younger people look at what is made here.',
    de: 'Bilder von verletzten Menschen bleiben lange im Kopf, und was hier entsteht, sehen auch Jüngere.',
  },
  fear: {
    en: 'What is exciting for one person keeps another one awake: for the youngest we leave such pictures out.',
    de: 'Was die eine spannend findet, lässt den anderen nicht schlafen: Für die Jüngsten lassen wir solche Bilder weg.',
  },
  self_harm: {
    en: 'We do not make pictures of people hurting themselves. If this is about you or a friend, talk to somebody you trust; in Germany 116 111 listens for free and asks no name.',
    de: 'Wir machen keine Bilder davon, wie Menschen sich selbst verletzen. Wenn es um dich oder jemanden geht, den du kennst: Sprich mit einer Person, der du vertraust; unter 116 111 hört kostenlos und ohne Namen jemand zu.',
  },
};

/**
 * The example policy that comes with runledger. Its lists are short and of our own: a house publishes its own. Ledgers
 * hold each version under its digest: whoever changes a word of it, here or in bundled-models.ts, raises the number.
 */
export const bundledPolicy: PolicyDocument = {
  id: 'workshop',
  version: 2,
  name: { en: 'Workshop policy', de: 'Regelwerk für Workshops' },
  taxonomy: {
    id: 'runledger-workshop',
    version: '1.0',
    categories: [
      {
        id: 'law_86a',
        name: { en: 'signs of banned organisations', de: 'Zeichen verbotener Organisationen' },
        blocked_reason: '§86a_violation',
      },
      {
        id: 'violence',
        name: { en: 'violence', de: 'Gewalt' },
        blocked_reason: 'age_inappropriate',
      },
      {
        id: 'fear',
        name: { en: 'frightening things', de: 'Angstmachendes' },
        blocked_reason: 'age_inappropriate',
      },
      {
        id: 'self_harm',
        name: { en: 'self-harm', de: 'Selbstverletzung' },
        blocked_reason: 'self_harm',
      },
    ],
  },
  lists: [
    {
      id: 'law-86a',
      category: 'law_86a',
      scope: 'law',
      reference: '§86a StGB',
      terms: words(
        'swastika, swastikas, hakenkreuz, hakenkreuze, hakenkreuzfahne, hakenkreuzfahnen, ss ' +
          'runes, ss rune, ss runen, sig runes, sig runen, nazi salute, hitler salute, hitlergruß, ' +
          'nazi flag, nazi fahne, ss totenkopf, isis flag',
      ),
      rules: { kids: 'block', youth: 'block', adult: 'review', research: 'review' },
    },
    {
      id: 'violence',
      category: 'violence',
      scope: 'level',
      terms: words(
        'corpse, corpses, leiche, leichen, murder, murdered, mord, morde, ermordet, torture, ' +
          'tortured, folter, gefoltert, massacre, massaker, beheading, enthauptung',
      ),
      rules: { kids: 'review', youth: 'review' },
    },
    {
      id: 'violence-kids',
      category: 'violence',
      scope: 'level',
      terms: words(
        'blood, bloody, blut, blutig, blutige, blutiger, blutiges, blutigen, gun, guns, pistole, ' +
          'pistolen, gewehr, weapon, weapons, waffe, waffen, kill, killer, töten, wound, wounds, ' +
          'wunde, wunden',
      ),
      rules: { kids: 'review' },
    },
    {
      id: 'fear-kids',
      category: 'fear',
      scope: 'level',
      terms: words(
        'creature, creatures, kreatur, kreaturen, horror, zombie, zombies, demon, demons, dämon, ' +
          'dämonen, nightmare, nightmares, albtraum, albträume, haunted, spuk',
      ),
      rules: { kids: 'review' },
    },
    {
      id: 'self-harm',
      category: 'self_harm',
      scope: 'level',
      terms: words('self harm, self injury, selbstverletzung, ritzen, cutting myself'),
      rules: { kids: 'review', youth: 'review', adult: 'review' },
    },
  ],
  checker: bundledGuard,
  law_checker: bundledLawJudge,
  on_checker_failure: 'fail_closed',
  messages,
};
