import type { ModelAnswer } from './model-answer.ts';
import { answerChats, bases, type OpenaiFault } from './openai-server.ts';
import { answerPictures, type PictureFault, pictureModel } from './openrouter-image-server.ts';
import { type Received, type ScriptedServer, startScripted } from './scripted-server.ts';

/** One address for texts and pictures, as OpenRouter has it; the script goes over both, in the order of the calls. */
export type OpenrouterServer = ScriptedServer<OpenaiFault | PictureFault>;

export async function startOpenrouter(options: {
  readonly models: readonly string[];
  readonly answer: (request: Received) => ModelAnswer;
}): Promise<OpenrouterServer> {
  const chats = answerChats({ ...options, flavour: 'openrouter' });
  const server = await startScripted<OpenaiFault | PictureFault>((request, turn, nextFault) => {
    const { model } = (request.body ?? {}) as { model?: unknown };
    return model === pictureModel
      ? answerPictures(request, turn, nextFault as () => PictureFault)
      : chats(request, turn, nextFault as () => OpenaiFault);
  });
  return { ...server, url: server.url + bases.openrouter };
}
