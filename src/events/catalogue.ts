import { z } from 'zod';
import { type CatalogueEntry, type Draft, entry } from './catalogue-entry.ts';
import { decisionRecord } from './decision.ts';
import { itemTypeName, type MediaType } from './core.ts';
import { count, hexDigest, identifier, keyedDigest, language, seconds, token } from './token.ts';
import {
  attempt,
  blockFacts,
  checkFacts,
  exportFacts,
  failureFacts,
  leaseFacts,
  outputFacts,
  skipFacts,
  startFacts,
  stepFacts,
  stepNamed,
} from './facts.ts';
import { replayFacts, replayFailure, replayResult } from './replay.ts';
import { reviewFacts } from './review.ts';
import { usage } from './usage.ts';

const withText = z.looseObject({ content: z.string() });
const withFile = z.looseObject({ file_path: z.string() });
const withTerms = z.looseObject({
  metadata: z
    .looseObject({ found_terms: z.array(z.string()).optional(), raw_verdict: z.string().optional() })
    .optional(),
});

const output = (media: MediaType, en: string, de: string, draft: Partial<Draft> = {}): CatalogueEntry =>
  entry('journey', 4, 'deliver_output', {
    media,
    label: [en, de],
    needs: 'loop_iteration',
    facts: outputFacts,
    payload: withFile,
    ...draft,
  });

/** What becomes of a job of ours; stands in the job's own stream. */
const job = (en: string, de: string, facts: NonNullable<Draft['facts']> = {}): CatalogueEntry =>
  entry('control', 'any', 'none', { label: [en, de], since: '1.1', facts });

/**
 * Every item type we know, taxonomy 1.0 first, then 1.1. Adding a type is one entry here and nothing else: fold, decider,
 * views and exporters read these attributes. Types without facts keep all metadata in the payload.
 */
export const catalogue = {
  pipeline_start: entry('journey', 0, 'start', {
    label: ['Start', 'Beginn'],
    facts: startFacts,
  }),
  user_input_text: entry('journey', 1, 'input', {
    label: ['Input', 'Eingabe'],
    media: 'text',
    facts: { input_language: language, char_count: count },
    payload: withText,
  }),
  user_input_image: entry('journey', 1, 'input', {
    label: ['Input image', 'Eingabebild'],
    media: 'image',
    facts: { image_size: token, format: identifier, file_size_kb: z.number().min(0), sha256: hexDigest },
    payload: withFile,
  }),
  translation_result: entry('journey', 1, 'translate', {
    label: ['Translation', 'Übersetzung'],
    media: 'text',
    facts: { ...stepFacts, detected_language: language, method: identifier },
    payload: withText,
  }),
  stage1_safety_check: entry('decision', 1, 'decide_input', {
    label: ['Safety check of the input', 'Sicherheitsprüfung der Eingabe'],
    facts: checkFacts,
    payload: withTerms,
  }),
  stage1_safety_check_image: entry('decision', 1, 'decide_input', {
    label: ['Safety check of the input image', 'Sicherheitsprüfung des Eingabebildes'],
    facts: { ...checkFacts, sha256: hexDigest },
    payload: withTerms,
  }),
  stage1_blocked: entry('decision', 1, 'block_run', {
    label: ['Input refused', 'Eingabe abgelehnt'],
    facts: blockFacts,
  }),
  interception_iteration: entry('journey', 2, 'iterate', {
    label: ['Step', 'Schritt'],
    media: 'text',
    needs: 'stage_iteration',
    facts: { ...stepFacts, iteration_type: identifier },
    payload: withText,
  }),
  interception_final: entry('journey', 2, 'finish_text', {
    label: ['Final text', 'Endgültiger Text'],
    media: 'text',
    facts: { ...stepFacts, total_iterations: count, transformation_type: identifier },
    payload: withText,
  }),
  stage3_safety_check: entry('decision', 3, 'decide_output', {
    label: ['Safety check before output', 'Sicherheitsprüfung vor der Ausgabe'],
    needs: 'loop_iteration',
    facts: checkFacts,
    payload: withTerms,
  }),
  stage3_blocked: entry('decision', 3, 'block_output', {
    label: ['Output refused', 'Ausgabe abgelehnt'],
    needs: 'loop_iteration',
    facts: blockFacts,
  }),
  output_image: output('image', 'Image', 'Bild'),
  output_audio: output('audio', 'Audio', 'Ton'),
  output_music: output('music', 'Music', 'Musik'),
  output_video: output('video', 'Video', 'Video'),
  output_3d: output('3d', '3D model', '3D-Modell'),
  pipeline_complete: entry('journey', 5, 'complete', {
    label: ['Complete', 'Abgeschlossen'],
    facts: {
      total_duration_seconds: seconds,
      total_items_logged: count,
      outputs_generated: count,
      stages_completed: z.array(z.int().min(0).max(5)).max(6),
    },
  }),
  pipeline_error: entry('journey', 'any', 'fail_run', {
    label: ['Error', 'Fehler'],
    facts: { error_type: identifier, error_stage: z.int().min(0).max(5), recoverable: z.boolean() },
  }),
  stage_transition: entry('control', 'any', 'none', {
    label: ['Next stage', 'Nächste Stufe'],
    facts: {
      from_stage: z.int().min(0).max(5),
      to_stage: z.int().min(0).max(5),
      transition_time_ms: z.number().min(0),
    },
  }),

  safety_check_skipped: entry('decision', 'any', 'skip_check', {
    label: ['Safety check skipped', 'Sicherheitsprüfung ausgelassen'],
    since: '1.1',
    facts: skipFacts,
  }),
  medium_described: entry('decision', 4, 'none', {
    label: ['What a model saw', 'Was ein Modell sah'],
    needs: 'loop_iteration',
    since: '1.1',
    facts: {
      sha256: hexDigest,
      model_digest: token,
      prompt_template_sha256: hexDigest,
      policy: decisionRecord.shape.policy,
    },
    payload: withText,
  }),
  stage4_safety_check: entry('decision', 4, 'none', {
    label: ['Safety check of the medium', 'Sicherheitsprüfung des Mediums'],
    needs: 'loop_iteration',
    since: '1.1',
    facts: { ...checkFacts, sha256: hexDigest },
    payload: withTerms,
  }),
  stage4_blocked: entry('decision', 4, 'withhold_output', {
    label: ['Medium withheld', 'Medium zurückgehalten'],
    needs: 'loop_iteration',
    since: '1.1',
    facts: { ...blockFacts, sha256: hexDigest },
  }),
  output_failed: entry('journey', 4, 'fail_output', {
    label: ['Output failed', 'Ausgabe fehlgeschlagen'],
    needs: 'loop_iteration',
    since: '1.1',
    facts: { error_type: identifier },
  }),
  output_skipped: entry('journey', 4, 'skip_output', {
    label: ['Output skipped', 'Ausgabe ausgelassen'],
    needs: 'loop_iteration',
    since: '1.1',
    facts: { reason: z.enum(['no_backend']) },
  }),
  output_text: output('text', 'Text', 'Text', { since: '1.1', payload: withText }),
  output_code: output('code', 'Code', 'Code', { since: '1.1', payload: withText }),
  run_claimed: entry('control', 'any', 'claim', {
    label: ['Taken by a worker', 'Von einem Arbeiter übernommen'],
    since: '1.1',
    facts: { worker: token },
  }),
  step_started: entry('control', 'any', 'begin_step', {
    label: ['Step started', 'Schritt begonnen'],
    since: '1.1',
    facts: { ...stepNamed, model_requested: token },
  }),
  attempt_failed: entry('control', 'any', 'none', {
    label: ['Attempt failed', 'Versuch gescheitert'],
    since: '1.1',
    facts: failureFacts,
  }),
  log_entry: entry('log', 'any', 'none', {
    label: ['Log entry', 'Protokolleintrag'],
    since: '1.1',
    afterTerminal: true,
  }),
  usage_recorded: entry('control', 'any', 'none', {
    label: ['Usage', 'Verbrauch'],
    since: '1.1',
    afterTerminal: true,
    facts: { ...usage.shape, step_id: token, attempt, model_digest: token },
  }),
  clarification_requested: entry('control', 'any', 'ask', { label: ['Question', 'Rückfrage'], since: '1.1' }),
  clarification_answered: entry('control', 'any', 'answer', { label: ['Answer', 'Antwort'], since: '1.1' }),
  run_paused: entry('control', 'any', 'pause', { label: ['Paused', 'Angehalten'], since: '1.1' }),
  run_resumed: entry('control', 'any', 'resume', { label: ['Resumed', 'Fortgesetzt'], since: '1.1' }),
  cancel_requested: entry('control', 'any', 'request_cancel', {
    label: ['Cancel requested', 'Abbruch verlangt'],
    since: '1.1',
  }),
  run_cancelled: entry('control', 'any', 'cancel_run', { label: ['Cancelled', 'Abgebrochen'], since: '1.1' }),
  late_result_discarded: entry('control', 'any', 'discard_result', {
    label: ['Late result discarded', 'Spätes Ergebnis verworfen'],
    since: '1.1',
    afterTerminal: true,
    facts: { discarded_type: itemTypeName, sha256: hexDigest },
  }),
  run_recovered: entry('control', 'any', 'claim', {
    label: ['Recovered', 'Wiederaufgenommen'],
    since: '1.1',
    facts: { worker: token, previous_worker: token },
  }),
  recorder_gap: entry('control', 'any', 'none', {
    label: ['Gap in the record', 'Lücke in der Aufzeichnung'],
    since: '1.1',
    afterTerminal: true,
  }),
  decision_overridden: entry('review', 'any', 'none', {
    label: ['Decision overridden', 'Entscheidung aufgehoben'],
    since: '1.1',
    afterTerminal: true,
    facts: reviewFacts,
  }),
  decision_annotated: entry('review', 'any', 'none', {
    label: ['Decision annotated', 'Entscheidung kommentiert'],
    since: '1.1',
    afterTerminal: true,
    facts: reviewFacts,
  }),
  policy_published: entry('control', 'any', 'none', {
    label: ['Policy published', 'Regelwerk veröffentlicht'],
    since: '1.1',
    facts: { policy_id: token, version: z.int().min(1), sha256: hexDigest },
  }),
  workflow_published: entry('control', 'any', 'none', {
    label: ['Workflow published', 'Ablauf veröffentlicht'],
    since: '1.1',
    facts: {
      workflow_id: token,
      version: z.int().min(1),
      sha256: hexDigest,
      source: z.enum(['bundled', 'folder', 'http']),
    },
  }),
  workflow_retired: entry('control', 'any', 'none', {
    label: ['Workflow retired', 'Ablauf zurückgezogen'],
    since: '1.1',
    facts: { workflow_id: token, version: z.int().min(1), source: z.enum(['folder', 'http']) },
  }),
  export_requested: entry('control', 'any', 'none', {
    label: ['Export requested', 'Export angefordert'],
    since: '1.1',
    facts: exportFacts,
  }),
  export_finished: entry('control', 'any', 'none', {
    label: ['Export finished', 'Export fertig'],
    since: '1.1',
    facts: { sha256: hexDigest, size_bytes: count, runs: count, errors: count },
  }),
  export_failed: entry('control', 'any', 'none', {
    label: ['Export failed', 'Export gescheitert'],
    since: '1.1',
    facts: { error_type: identifier },
    payload: withText,
  }),
  export_cancelled: job('Export cancelled', 'Export abgebrochen'),
  export_resumed: job('Export resumed', 'Export fortgesetzt'),
  export_expired: job('Export expired', 'Export abgelaufen'),
  replay_requested: job('Replay requested', 'Neuentscheidung verlangt', replayFacts),
  replay_finished: job('Replay finished', 'Neuentscheidung fertig', replayResult),
  replay_failed: job('Replay failed', 'Neuentscheidung gescheitert', replayFailure),
  lease_taken: entry('control', 'any', 'none', {
    label: ['Lease taken', 'Vergabe übernommen'],
    since: '1.1',
    facts: leaseFacts,
  }),
  lease_renewed: entry('control', 'any', 'none', {
    label: ['Lease renewed', 'Vergabe verlängert'],
    since: '1.1',
    facts: leaseFacts,
  }),
  lease_released: entry('control', 'any', 'none', {
    label: ['Lease released', 'Vergabe zurückgegeben'],
    since: '1.1',
    facts: { holder: token },
  }),
  request_reserved: entry('control', 'any', 'none', {
    label: ['Request reserved', 'Anfrage vorgemerkt'],
    since: '1.1',
    /** What the request is to start, and the HMAC of its body. */
    facts: { started_id: token, request_body: keyedDigest },
  }),
  content_erased: entry('control', 'any', 'none', {
    label: ['Content erased', 'Inhalt gelöscht'],
    since: '1.1',
    afterTerminal: true,
  }),
} satisfies Record<string, CatalogueEntry>;

export type KnownItemType = keyof typeof catalogue;

const lookup: ReadonlyMap<string, CatalogueEntry> = new Map(Object.entries(catalogue));

/** What an unknown item type counts as: kept and shown, without any effect on the run's life. */
export const unknownEntry: CatalogueEntry = entry('journey', 'any', 'none', { label: ['Item', 'Eintrag'] });

/** The catalogue's entry of an item type; undefined for a type we do not know. */
export function catalogued(itemType: string): CatalogueEntry | undefined {
  return lookup.get(itemType);
}
