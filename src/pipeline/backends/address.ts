import type { Place } from './timeouts.ts';

/** `http://host/base/` and `/path` → `http://host/base/path`. */
export const below = (url: string, path: string): string => url.replace(/\/+$/, '') + path;

/** The host with its port, as items name it: never user or password. */
export const hostOf = (url: string): string => new URL(url).host;

/**
 * Is the address in the house: this machine, a private network, a name that only a local network knows? Everything else
 * is somebody else's machine, and a text sent there has left the house.
 */
export function placeOf(url: string): Place {
  const name = new URL(url).hostname.toLowerCase();
  return houses.some((pattern) => pattern.test(name)) ? 'local' : 'remote';
}

const houses = [
  /^127\.\d+\.\d+\.\d+$/,
  /^10\.\d+\.\d+\.\d+$/,
  /^192\.168\.\d+\.\d+$/,
  /^172\.(1[6-9]|2\d|3[01])\.\d+\.\d+$/,
  /^169\.254\.\d+\.\d+$/,
  /^\[(::1|f[cd][0-9a-f]{2}:.*|fe[89ab][0-9a-f]:.*)\]$/,
  // A name without a dot, such as that of a container.
  /^[^.:[\]]+$/,
  /\.(localhost|local|internal|lan|home\.arpa)$/,
];
