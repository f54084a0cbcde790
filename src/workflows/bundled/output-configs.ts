import type { OutputConfigSource } from '../document.ts';

const local = { backend: 'comfyui', execution_mode: 'eco', meta: { stage: 'output' } } as const;

/**
 * The output configs that come with runledger. Without their backend they run on the built-in one. `graph` names the job
 * that a ComfyUI is given.
 */
export const bundledOutputConfigs: readonly OutputConfigSource[] = [
  {
    ...local,
    id: 'sd35_large',
    name: { en: 'SD 3.5 Large', de: 'SD 3.5 Large' },
    description: {
      en: 'Stable Diffusion 3.5 Large on your own ComfyUI: follows long descriptions, nothing leaves the house.',
      de: 'Stable Diffusion 3.5 Large auf dem eigenen ComfyUI: folgt langen Beschreibungen, nichts verlässt das Haus.',
    },
    media_type: 'image',
    model: 'sd3.5_large',
    parameters: {
      graph: 'sd35',
      width: 1024,
      height: 1024,
      steps: 25,
      cfg_scale: 5.5,
      sampler: 'euler',
      format: 'png',
    },
  },
  {
    ...local,
    id: 'flux1_dev',
    name: { en: 'FLUX.1 dev', de: 'FLUX.1 dev' },
    description: {
      en: 'FLUX.1 dev on your own ComfyUI: good at hands, writing and crowded scenes, and slower.',
      de: 'FLUX.1 dev auf dem eigenen ComfyUI: gut bei Händen, Schrift und vollen Szenen, dafür langsamer.',
    },
    media_type: 'image',
    model: 'flux1-dev',
    parameters: {
      graph: 'flux',
      width: 1024,
      height: 1024,
      steps: 20,
      cfg_scale: 3.5,
      sampler: 'euler',
      format: 'png',
    },
  },
  {
    id: 'gpt5_image',
    name: { en: 'GPT-5 Image', de: 'GPT-5 Image' },
    description: {
      en: 'GPT-5 Image through OpenRouter: quick, costs money, and the text goes to a provider outside the house.',
      de: 'GPT-5 Image über OpenRouter: schnell, kostet Geld, und der Text geht an einen Anbieter außer Haus.',
    },
    media_type: 'image',
    backend: 'openrouter',
    model: 'openai/gpt-5-image',
    execution_mode: 'fast',
    parameters: { width: 1024, height: 1024, format: 'png' },
    meta: { stage: 'output' },
  },
  {
    ...local,
    id: 'stable_audio',
    name: { en: 'Stable Audio Open', de: 'Stable Audio Open' },
    description: {
      en: 'Stable Audio Open on your own ComfyUI: makes noises, places and moods to listen to, no speech and no songs.',
      de: 'Stable Audio Open auf dem eigenen ComfyUI: macht Geräusche, Orte und Stimmungen zum Hören, keine Sprache und keine Lieder.',
    },
    media_type: 'audio',
    model: 'stable-audio-open-1.0',
    parameters: {
      graph: 'stable_audio',
      duration_seconds: 30,
      steps: 50,
      cfg_scale: 5,
      sampler: 'dpmpp_3m_sde_gpu',
      format: 'flac',
    },
  },
  {
    ...local,
    id: 'ace_step',
    name: { en: 'ACE-Step', de: 'ACE-Step' },
    description: {
      en: 'ACE-Step on your own ComfyUI: makes a piece of music from a description, at the tempo that is set here.',
      de: 'ACE-Step auf dem eigenen ComfyUI: macht aus einer Beschreibung ein Musikstück, in dem Tempo, das hier steht.',
    },
    media_type: 'music',
    model: 'ace_step_v1_3.5b',
    parameters: {
      graph: 'ace_step',
      duration_seconds: 60,
      tempo: 100,
      steps: 50,
      cfg_scale: 5,
      sampler: 'euler',
      format: 'flac',
    },
  },
];
