import { type ComfyuiServer, startComfyuiServer } from './pipeline/backends/comfyui-server.ts';
import { type ModelAnswer, modelAnswer } from './pipeline/backends/model-answer.ts';
import { type OllamaServer, startOllama } from './pipeline/backends/ollama-server.ts';
import { openrouterKey } from './pipeline/backends/openai-server.ts';
import { type OpenrouterServer, startOpenrouter } from './pipeline/backends/openrouter-server.ts';
import type { Received } from './pipeline/backends/scripted-server.ts';

/** Models that the bundled workflows and the bundled policy ask for. */
export const localModel = { name: 'gpt-oss:20b', digest: '17'.repeat(32) };
export const guardModel = { name: 'llama-guard3:8b', digest: '58'.repeat(32) };
export const lawModel = { name: 'llama3.1:8b', digest: '31'.repeat(32) };
export const visionModel = { name: 'qwen2.5vl:7b', digest: '25'.repeat(32) };
export const cloudModel = 'openai/gpt-5-mini';

/** What a chat asks, and of which model. */
export type Asked = { readonly model: string; readonly prompt: string };

/** All backends of a house: servers that speak the real protocols, and the settings that lead to them. */
export type House = {
  readonly ollama: OllamaServer;
  readonly comfyui: ComfyuiServer;
  readonly openrouter: OpenrouterServer;
  readonly settings: Readonly<Record<string, string>>;
  readonly close: () => Promise<void>;
};

/** `answer` may answer in a model's place; undefined leaves it to the model, which repeats what it is told. */
export async function openHouse(
  answer: (asked: Asked) => string | undefined = () => undefined,
): Promise<House> {
  const answering = (request: Received): ModelAnswer => {
    const asked = askedIn(request);
    const text = answer(asked);
    return text === undefined ? modelAnswer(asked.model, asked.prompt) : { text };
  };
  const ollama = await startOllama({
    models: [localModel, guardModel, lawModel, visionModel],
    answer: answering,
  });
  const comfyui = await startComfyuiServer();
  const openrouter = await startOpenrouter({ models: [cloudModel], answer: answering });
  return {
    ollama,
    comfyui,
    openrouter,
    settings: {
      OLLAMA_URL: ollama.url,
      COMFYUI_URL: comfyui.url,
      OPENROUTER_URL: openrouter.url,
      OPENROUTER_API_KEY: openrouterKey,
    },
    close: async () => {
      await Promise.all([ollama.close(), comfyui.close(), openrouter.close()]);
    },
  };
}

function askedIn({ body }: Received): Asked {
  const { model, messages } = body as {
    model: string;
    messages: { content: string | { text?: string }[] }[];
  };
  const content = messages.at(-1)?.content ?? '';
  const prompt = typeof content === 'string' ? content : content.map(({ text = '' }) => text).join('');
  return { model, prompt };
}
