import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/**
 * Loads a package that only benchmarks need; null, said aloud, where `npm install` was not run in test/bench. The
 * packages are found from test/bench, not from dist, so that nothing of them is in the root project.
 */
export async function loadPeer<T>(name: string): Promise<T | null> {
  const require = createRequire(new URL('../../../test/bench/package.json', import.meta.url));
  try {
    return (await import(pathToFileURL(require.resolve(name)).href)) as T;
  } catch (error) {
    console.log(
      `SKIPPED ${name}: run npm install in test/bench (${(error as Error).message.split('\n')[0]})`,
    );
    return null;
  }
}
