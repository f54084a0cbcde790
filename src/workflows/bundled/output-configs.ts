import type { OutputConfigSource } from '../document.ts';

/** The output configs that come with runledger. Without their backend they run on the built-in one. */
export const bundledOutputConfigs: readonly OutputConfigSource[] = [
  {
    id: 'sd35_large',
    name: { en: 'SD 3.5 Large', de: 'SD 3.5 Large' },
    description: {
      en: 'Stable Diffusion 3.5 Large on your own ComfyUI: follows long descriptions, nothing leaves the house.',
      de: 'Stable Diffusion 3.5 Large auf dem eigenen ComfyUI: folgt langen Beschreibungen, nichts verlässt das Haus.',
    },
    media_type: 'image',
    backend: 'comfyui',
    model: 'sd3.5_large',
    execution_mode: 'eco',
    parameters: { width: 1024, height: 1024, steps: 25, cfg_scale: 5.5, sampler: 'euler', format: 'png' },
  },
  {
    id: 'flux1_dev',
    name: { en: 'FLUX.1 dev', de: 'FLUX.1 dev' },
    description: {
      en: 'FLUX.1 dev on your own ComfyUI: good at hands, writing and crowded scenes, and slower.',
      de: 'FLUX.1 dev auf dem eigenen ComfyUI: gut bei Händen, Schrift und vollen Szenen, dafür langsamer.',
    },
    media_type: 'image',
    backend: 'comfyui',
    model: 'flux1-dev',
    execution_mode: 'eco',
    parameters: { width: 1024, height: 1024, steps: 20, cfg_scale: 3.5, sampler: 'euler', format: 'png' },
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
  },
];
