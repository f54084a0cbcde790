import type { DecisionRecord, SafetyLevel } from '../events/decision.ts';

/** What a decision is about: the text that was judged, what it stands for, and where in the run that is. */
export type Judged = {
  /** What the filter and the model read: a text, or the description of a picture. */
  readonly text: string;
  /** BCP 47, where it is known: whoever is refused reads the reason in it. */
  readonly language: string | undefined;
  readonly checkPoint: DecisionRecord['check_point'];
  readonly level: SafetyLevel;
  readonly levelSetBy: DecisionRecord['level_set_by'];
  readonly checked: DecisionRecord['checked'];
  /** The commitment to the text that the generation will use, where that is known already. */
  readonly generatedFrom?: string | undefined;
};

/** The members of a record that say what was judged, and where. */
export const placeOf = ({
  checkPoint,
  checked,
  generatedFrom,
}: Judged): Pick<DecisionRecord, 'check_point' | 'checked' | 'generated_from' | 'same_as_checked'> => ({
  check_point: checkPoint,
  checked,
  // Compares the commitments, so it is true of what is recorded, not of what was meant.
  ...(generatedFrom === undefined
    ? {}
    : { generated_from: generatedFrom, same_as_checked: generatedFrom === checked.commitment }),
});
