import type { IncomingMessage } from 'node:http';

const researchRun = /^\/api\/research\/execution\/([^/?]+)\/?(\?.*)?$/;
const researchList = /^\/api\/research\/config\/([^/?]+)\/executions\/?(?:\?(.*))?$/;
const oldCollection = /^(\/api)?\/executions(?=[/?]|$)/;

const oldWorkflows = /^\/workflows(?=[/?]|$)/;

/** What the run list without `/api` gives when nobody says how many. */
const oldDefaultLimit = 50;

/**
 * The addresses that clients have always used, as today's (rest.md). Only the routing sees the new one; answers name
 * the address that was asked. POST on the old collection meant *execute*, never *record*, so it keeps its own name.
 */
export function todaysUrl(request: Pick<IncomingMessage, 'url' | 'method'>): string {
  const url = request.url ?? '/';
  const run = researchRun.exec(url);
  if (run) return `/api/runs/${run[1]}${run[2] ?? ''}`;
  const list = researchList.exec(url);
  if (list) return `/api/runs?config=${list[1]}${list[2] ? `&${list[2]}` : ''}`;
  if (oldWorkflows.test(url)) return `/api${url}`;
  const old = oldCollection.exec(url);
  if (!old) return url;
  const rest = url.slice(old[0].length);
  const isCollection = /^\/?(\?|$)/.test(rest);
  if (isCollection && request.method === 'POST') return `/api/executions${rest}`;
  if (isCollection && old[1] === undefined && !/[?&]limit=/.test(rest)) {
    return `/api/runs${rest}${rest.includes('?') ? '&' : '?'}limit=${oldDefaultLimit}`;
  }
  return `/api/runs${rest}`;
}
