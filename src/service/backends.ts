import { randomUUID } from 'node:crypto';
import type { BackendAddresses } from '../config.ts';
import { placeOf } from '../pipeline/backends/address.ts';
import { builtinMedia } from '../pipeline/backends/builtin/builtin-media.ts';
import { builtinText } from '../pipeline/backends/builtin/builtin-text.ts';
import { comfyuiMedia } from '../pipeline/backends/comfyui/comfyui.ts';
import type { MediaBackend } from '../pipeline/backends/media-backend.ts';
import { ollamaText } from '../pipeline/backends/ollama/ollama.ts';
import { openaiText } from '../pipeline/backends/openai/openai.ts';
import { openrouterMedia } from '../pipeline/backends/openrouter/openrouter-media.ts';
import { openrouterText } from '../pipeline/backends/openrouter/openrouter-text.ts';
import type { TextBackend } from '../pipeline/backends/text-backend.ts';
import { defaultTimeouts } from '../pipeline/backends/timeouts.ts';
import type { ExecutionMode, PlannedOutput } from '../pipeline/plan.ts';
import type { AskModel } from '../safety/ask-model.ts';
import type { ContextChecker } from '../safety/context-check.ts';
import { builtinContextRules } from '../safety/context-rules.ts';
import { modelContextCheck } from '../safety/model-context-check.ts';
import type { ActivePolicy } from '../safety/policy.ts';
import { askLocal } from './ask-local.ts';
import { backOff } from './back-off.ts';

/** The backends of this process, by what they are for. */
export type Backends = {
  readonly textOf: (mode: ExecutionMode) => TextBackend;
  readonly mediaOf: (output: PlannedOutput) => MediaBackend | undefined;
  /** Asks a safety model; always one of the house. */
  readonly ask: AskModel;
  /** By the policy's models where the house has a server for them; else by the built-in rules, which say what they are. */
  readonly contextCheckOf: (policy: ActivePolicy) => ContextChecker;
};

/** Media that the built-in backend makes. */
const builtinMakes = new Set(['image', 'text']);

/** Builds the backends whose addresses are set; for the others the built-in one serves. `clock` gives monotonic seconds. */
export function createBackends(addresses: BackendAddresses, clock: () => number): Backends {
  const { ollama, openai, openrouter, comfyui } = addresses;
  const builtin = builtinText(clock);
  const servers = [
    ...(ollama === undefined ? [] : [{ url: ollama, text: ollamaText({ url: ollama, clock }) }]),
    ...(openai === undefined
      ? []
      : [{ url: openai, text: openaiText({ name: 'openai', url: openai, clock }) }]),
  ];
  const inHouse = servers[0]?.text;
  const safe = servers.find(({ url }) => placeOf(url) === 'local')?.text;
  const ask = askLocal(safe, backOff);
  const cloud = openrouter === undefined ? undefined : openrouterText({ ...openrouter, clock });
  const cloudPictures = openrouter === undefined ? undefined : openrouterMedia({ ...openrouter, clock });
  const media = builtinMedia(clock);
  const rules = builtinContextRules(clock);
  return {
    textOf: (mode) => (mode === 'eco' ? inHouse : cloud) ?? builtin,
    mediaOf: ({ backend, mediaType }) => {
      if (backend === 'comfyui' && comfyui !== undefined) {
        const timeouts = defaultTimeouts('local', mediaType === 'video' ? 'video' : 'image');
        return comfyuiMedia({ url: comfyui, clock, newClientId: randomUUID, timeouts });
      }
      if (backend === 'openrouter' && cloudPictures !== undefined) return cloudPictures;
      return builtinMakes.has(mediaType) ? media : undefined;
    },
    ask,
    contextCheckOf: (policy) =>
      safe === undefined || policy.document.checker === undefined ? rules : modelContextCheck(policy, ask),
  };
}
