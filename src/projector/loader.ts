import { readdir } from 'node:fs/promises';
import type { Projection, ProjectionFactory, ProjectionSettings } from './projection.ts';

/** Beside src/, as source and when compiled. */
const folder = new URL('../../projections/', import.meta.url);

/**
 * Every projection there is: the folder is the registry. A file's default export makes it from the settings, and its
 * name is the file's. Throws for a file that is none: that is a mistake in this program, not of its operator.
 */
export async function loadProjections(settings: ProjectionSettings): Promise<Projection[]> {
  const files = (await readdir(folder)).filter((file) => /^[a-z0-9-]+\.(js|ts)$/.test(file)).sort();
  return Promise.all(files.map((file) => load(file, settings)));
}

async function load(file: string, settings: ProjectionSettings): Promise<Projection> {
  const loaded = (await import(new URL(file, folder).href)) as { readonly default?: ProjectionFactory };
  if (typeof loaded.default !== 'function') throw new TypeError(`projections/${file} has no default export`);
  const projection = loaded.default(settings);
  const name = file.replace(/\.(js|ts)$/, '');
  if (projection.name !== name)
    throw new TypeError(`projections/${file} calls itself ${projection.name}, not ${name}`);
  return projection;
}
