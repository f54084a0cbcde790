import { z } from 'zod';
import { below } from '../address.ts';
import { BackendError } from '../backend-error.ts';
import { getJson } from '../http-call.ts';
import type { HttpCall } from '../http-contract.ts';
import type { Timeouts } from '../timeouts.ts';

/** A model's digest, or a code that says why it is not known. */
export type ModelDigest = { readonly digest: string } | { readonly unknown: string };

/** The list of models begins at once, however busy the models are. */
const listTimeoutMs = 5_000;
/** The longest list of models, in bytes: some 10,000 models. */
const maxListBytes = 8 * 1_048_576;

const tags = z.object({
  models: z.array(
    z.object({ name: z.string().optional(), model: z.string().optional(), digest: z.string().optional() }),
  ),
});

/**
 * What the name stands for at this moment, asked of `GET /api/tags`: an alias is not a model, and nothing is remembered,
 * for a name may be pulled anew at any time. A list that cannot be had is a reason, not an error; an abort is thrown.
 */
export async function digestOf(
  { url, timeouts }: { readonly url: string; readonly timeouts: Timeouts },
  model: string,
  signal: AbortSignal,
): Promise<ModelDigest> {
  const call: HttpCall = {
    backend: 'ollama',
    url: below(url, '/api/tags'),
    timeouts: { ...timeouts, firstByteMs: Math.min(listTimeoutMs, timeouts.firstByteMs) },
    maxAnswerBytes: maxListBytes,
  };
  try {
    const list = tags.safeParse(await getJson(call, signal));
    return list.success ? listed(list.data, model) : { unknown: 'list_not_understood' };
  } catch (error) {
    if (signal.aborted || !(error instanceof BackendError)) throw error;
    return { unknown: error.code.toLowerCase() };
  }
}

/** Names are the same whatever their case, and without a tag they mean `latest`. */
function listed({ models }: z.infer<typeof tags>, model: string): ModelDigest {
  const wanted = fullName(model);
  const entry = models.find(({ name, model }) =>
    [name, model].some((candidate) => candidate !== undefined && fullName(candidate) === wanted),
  );
  if (entry === undefined) return { unknown: 'not_listed' };
  return entry.digest !== undefined && digestPattern.test(entry.digest)
    ? { digest: entry.digest }
    : { unknown: 'no_digest' };
}

const fullName = (name: string): string => (/:[^/]*$/.test(name) ? name : `${name}:latest`).toLowerCase();

const digestPattern = /^(sha256:)?[0-9a-f]{64}$/;
