/** What a client posts, about 700 bytes each as JSON, in the mix of a telephone game. */
export function postedItems(count: number): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, index) => ({
    item_type: 'foreign_translation_step',
    stage: 2,
    media_type: 'text',
    content: `Step ${index}: ${'a meadow of forgotten clocks, one petal ticks backwards; '.repeat(4)}`,
    config_used: 'stillepost',
    model_used: 'local/gpt-oss:20b',
    backend_used: 'ollama',
    execution_time: 4.1 + (index % 10) / 10,
    metadata: {
      from_lang: 'en',
      to_lang: 'fr',
      iteration_type: 'translation',
      prompt_id: `job-${index}`,
      options: { seed: index, temperature: 0.7, top_p: 0.9, num_predict: 512 },
      eval_count: 61,
      prompt_eval_count: 118,
    },
  }));
}
