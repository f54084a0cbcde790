import { expect, test } from 'vitest';
import { ollamaText } from '../../../src/pipeline/backends/ollama/ollama.ts';
import { openaiText } from '../../../src/pipeline/backends/openai/openai.ts';
import { openrouterText } from '../../../src/pipeline/backends/openrouter/openrouter-text.ts';
import type { TextBackend } from '../../../src/pipeline/backends/text-backend.ts';
import type { Plan } from '../../../src/pipeline/plan.ts';
import { statusOf } from '../../../src/run/lifecycle.ts';
import { itemOf, itemsOf, planOf, portsWith, run, tickingClock } from '../harness.ts';
import { someModel, startOllama } from './ollama-server.ts';
import { openrouterKey, startOpenai } from './openai-server.ts';

const model = 'example/large';

/** A plan of a workflow that names the model. */
const planFor = (workflow: string): Plan => {
  const plan = planOf(workflow, 'Drei Tulpen im Wind');
  return { ...plan, workflow: { ...plan.workflow, models: { eco: model, fast: model } } };
};

const servers: Readonly<Record<string, () => Promise<{ backend: TextBackend; close: () => Promise<void> }>>> =
  {
    ollama: async () => {
      const server = await startOllama({ models: [{ name: model, digest: someModel.digest }] });
      return { backend: ollamaText({ url: server.url, clock: tickingClock() }), close: server.close };
    },
    openai: async () => {
      const server = await startOpenai();
      const backend = openaiText({ name: 'openai', url: server.url, clock: tickingClock() });
      return { backend, close: server.close };
    },
    openrouter: async () => {
      const server = await startOpenai({ flavour: 'openrouter' });
      const backend = openrouterText({ url: server.url, apiKey: openrouterKey, clock: tickingClock() });
      return { backend, close: server.close };
    },
  };

test.each(Object.keys(servers))('a whole run on %s is recorded with what the model told', async (name) => {
  const started = await servers[name]?.();
  if (started === undefined) throw new Error(`no server ${name}`);
  const ports = portsWith({ text: started.backend });
  const dada = await run(planFor('dada'), ports);
  expect(statusOf(dada.record.life)).toBe('completed');
  for (const type of ['translation_result', 'interception_final'] as const) {
    expect(itemOf(dada, type)).toMatchObject({
      content: 'Told again: Drei Tulpen im Wind',
      model_used: model,
      backend_used: name,
      metadata: { method: 'llm' },
    });
  }
  const chain = await run(planFor('stillepost'), ports);
  expect(itemsOf(chain, 'interception_iteration')).toHaveLength(8);
  expect(chain.header.findings).toEqual([]);
  await started.close();
});
