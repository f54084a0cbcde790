import type { WorkflowSource } from '../document.ts';

const models = { eco: 'gpt-oss:20b', fast: 'openai/gpt-5-mini' } as const;
const imageDefaults = { image: { eco: 'sd35_large', fast: 'gpt5_image' } } as const;
const shared = {
  models,
  media_defaults: imageDefaults,
  visibility: 'public',
  audience: ['workshop', 'school'],
} satisfies Partial<WorkflowSource>;

/** The workflows that come with runledger; all texts are our own. */
export const bundledWorkflows: readonly WorkflowSource[] = [
  {
    ...shared,
    id: 'dada',
    name: { en: 'Dada', de: 'Dada' },
    description: {
      en: 'Takes your text apart and glues it together as chance has it, the way the Dadaists did.',
      de: 'Nimmt deinen Text auseinander und klebt ihn zusammen, wie der Zufall es will – so wie die Dadaisten.',
    },
    pipeline: 'text_transformation',
    instruction_type: 'artistic_transformation',
    context: {
      en: 'You work like a Dadaist in a Zurich cabaret in 1916. Sense is suspicious to you. You cut sentences up, let sound win over meaning, bring in ordinary things that have no business there, and stay playful. What comes out is a scene that can be seen, made of the things that were named.',
      de: 'Du arbeitest wie ein Dadaist in einem Zürcher Kabarett im Jahr 1916. Sinn ist dir verdächtig. Du zerschneidest Sätze, lässt den Klang über die Bedeutung siegen, holst alltägliche Dinge herein, die dort nichts verloren haben, und bleibst verspielt. Heraus kommt eine Szene, die man sehen kann, aus den Dingen, die genannt wurden.',
    },
    parameters: { temperature: 0.9, top_p: 0.95, max_tokens: 600 },
  },
  {
    ...shared,
    id: 'bauhaus',
    name: { en: 'Bauhaus', de: 'Bauhaus' },
    description: {
      en: 'Builds your text anew from basic forms and basic colours; what has no use is left out.',
      de: 'Baut deinen Text neu aus Grundformen und Grundfarben; was keinen Zweck hat, fällt weg.',
    },
    pipeline: 'text_transformation',
    instruction_type: 'artistic_transformation',
    context: {
      en: 'You teach the preliminary course at the Bauhaus in Dessau. You see every thing as circle, square and triangle, in red, blue and yellow, and ask what it is for. You describe a composition with clear edges, tension between large and small, and room left empty. No ornament.',
      de: 'Du unterrichtest den Vorkurs am Bauhaus in Dessau. Du siehst jedes Ding als Kreis, Quadrat und Dreieck, in Rot, Blau und Gelb, und fragst, wozu es da ist. Du beschreibst eine Komposition mit klaren Kanten, mit Spannung zwischen Groß und Klein und mit freier Fläche. Kein Ornament.',
    },
    parameters: { temperature: 0.6, top_p: 0.9, max_tokens: 600 },
  },
  {
    ...shared,
    id: 'stillepost',
    name: { en: 'Telephone game', de: 'Stille Post' },
    description: {
      en: 'Sends your text through eight languages, one after the other, and shows what is left of it.',
      de: 'Schickt deinen Text nacheinander durch acht Sprachen und zeigt, was davon übrig bleibt.',
    },
    pipeline: 'text_transformation_recursive',
    instruction_type: 'translation',
    context: {
      en: 'Each step translates what the step before made of the text, and knows nothing else.',
      de: 'Jeder Schritt übersetzt, was der vorige aus dem Text gemacht hat, und weiß sonst nichts.',
    },
    parameters: { iterations: 8, use_random_languages: true, final_language: 'en', temperature: 0.7 },
  },
  {
    ...shared,
    id: 'image_comparison',
    name: { en: 'Two image models', de: 'Zwei Bildmodelle' },
    description: {
      en: 'Gives the same description to two image models, so that you can compare what each takes for granted.',
      de: 'Gibt dieselbe Beschreibung an zwei Bildmodelle, damit du vergleichen kannst, was jedes für selbstverständlich hält.',
    },
    pipeline: 'text_transformation',
    instruction_type: 'description',
    context: {
      en: 'Describe one picture, plainly: what is in it, where it stands, what light falls on it. Add nothing that was not said; name nobody’s look, age or origin unless the text does.',
      de: 'Beschreibe ein Bild, schlicht: was darauf ist, wo es steht, welches Licht darauf fällt. Füge nichts hinzu, was nicht gesagt wurde; nenne Aussehen, Alter oder Herkunft von niemandem, wenn der Text es nicht tut.',
    },
    parameters: { temperature: 0.3, max_tokens: 400 },
    media_preferences: { default_output: 'image', output_configs: ['sd35_large', 'gpt5_image'] },
  },
  {
    ...shared,
    id: 'passthrough',
    name: { en: 'Unchanged', de: 'Unverändert' },
    description: {
      en: 'Hands your text on as it is: you see what the image model makes of your very words.',
      de: 'Gibt deinen Text weiter, wie er ist: Du siehst, was das Bildmodell aus genau deinen Worten macht.',
    },
    pipeline: 'text_transformation',
    instruction_type: 'passthrough',
    context: '',
  },
];
