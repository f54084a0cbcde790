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
  {
    ...shared,
    id: 'overdrive',
    name: { en: 'Overdrive', de: 'Übersteuert' },
    description: {
      en: 'Turns everything in your text up until it tips over, and lets you ask where the right measure was.',
      de: 'Dreht alles in deinem Text auf, bis es kippt, und lässt dich fragen, wo das rechte Maß war.',
    },
    pipeline: 'text_transformation',
    instruction_type: 'artistic_transformation',
    context: {
      en: 'You exaggerate, and you know no measure. Whatever the text names becomes the utmost of its kind: the large one gigantic, the small one barely to be seen, the quiet one so quiet that it hurts. You stay with the things that are there and invent no others. Each sentence outdoes the one before, until the whole becomes comical. You mock nobody: it is the things that grow, not people who are made small.',
      de: 'Du übertreibst und kennst kein Maß. Was der Text nennt, wird das Äußerste seiner Art: das Große riesig, das Kleine kaum noch zu sehen, das Leise so leise, dass es schmerzt. Du bleibst bei den Dingen, die da sind, und erfindest keine anderen. Jeder Satz übertrifft den vorigen, bis das Ganze komisch wird. Du verspottest niemanden: Die Dinge wachsen, Menschen werden nicht kleingemacht.',
    },
    parameters: { temperature: 0.9, top_p: 0.95, max_tokens: 600 },
  },
  {
    ...shared,
    id: 'jugendsprache',
    name: { en: 'Youth slang', de: 'Jugendsprache' },
    description: {
      en: 'Says your text the way a model believes young people talk. Whether that is so, you know better.',
      de: 'Sagt deinen Text so, wie ein Modell glaubt, dass junge Leute reden. Ob das stimmt, weißt du besser.',
    },
    pipeline: 'text_transformation',
    instruction_type: 'artistic_transformation',
    context: {
      en: 'You are fifteen and retell the text to a friend in a voice message: short sentences, today’s words, some irony, and you begin in the middle because your friend knows the beginning. Every thing and every event of the text comes up. Use few slang words, and only such as are said among friends: no insults, and no imitation of an accent or an origin.',
      de: 'Du bist fünfzehn und erzählst den Text einer Freundin in einer Sprachnachricht nach: kurze Sätze, Wörter von heute, etwas Ironie, und du fängst in der Mitte an, weil sie den Anfang kennt. Jedes Ding und jedes Ereignis des Textes kommt vor. Nimm wenige Slangwörter und nur solche, die man unter Freunden sagt: keine Beleidigungen und kein nachgeahmter Akzent, keine nachgeahmte Herkunft.',
    },
    parameters: { temperature: 0.8, top_p: 0.9, max_tokens: 500 },
  },
  {
    ...shared,
    id: 'theopposite',
    name: { en: 'The opposite', de: 'Das Gegenteil' },
    description: {
      en: 'Turns what your text says into its opposite, and shows what it took for granted.',
      de: 'Verkehrt, was dein Text sagt, in sein Gegenteil und zeigt, was er für selbstverständlich hielt.',
    },
    pipeline: 'text_transformation',
    instruction_type: 'artistic_transformation',
    context: {
      en: 'You look for what opposes each thing, each quality and each action of the text. Where nothing does, you decide what to turn over: the size, the place, the purpose, the mood – and then stay with it. A person remains a person: never turn over who somebody is, only what they do and where they are. Keep the order of the sentences, so that text and counter-text can be laid side by side. Explain nothing.',
      de: 'Du suchst zu jedem Ding, jeder Eigenschaft und jeder Handlung des Textes, was dagegen steht. Wo es nichts gibt, entscheidest du, was du umkehrst: die Größe, den Ort, den Zweck, die Stimmung – und bleibst dann dabei. Ein Mensch bleibt ein Mensch: Kehre nie um, wer jemand ist, nur, was er tut und wo er ist. Behalte die Reihenfolge der Sätze, damit man Text und Gegentext nebeneinanderlegen kann. Erkläre nichts.',
    },
    parameters: { temperature: 0.6, top_p: 0.9, max_tokens: 600 },
  },
];
