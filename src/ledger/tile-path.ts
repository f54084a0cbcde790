import { tileWidth } from './tile.ts';

/** Which part of the tree a path asks for (C2SP tlog-tiles). */
export type TilePath = {
  readonly level: number | 'entries';
  readonly tile: number;
  /** 256 where the path asks for a full tile. */
  readonly width: number;
};

const pattern = /^(0|[1-9]\d?|entries)\/((?:x\d{3}\/)*)(\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;
const maxLevel = 63;

/** Reads what stands behind `/tile/`: `<L>/<N>[.p/<W>]`, such as `0/x001/x234/067.p/8`. Undefined for any other spelling. */
export function parseTilePath(path: string): TilePath | undefined {
  const [, level = '', leading = '', last = '', partial] = pattern.exec(path) ?? [];
  if (last === '' || leading.startsWith('x000/')) return undefined;
  const tile = Number(leading.replaceAll(/[x/]/g, '') + last);
  const width = partial === undefined ? tileWidth : Number(partial);
  if (!Number.isSafeInteger(tile * tileWidth) || (partial !== undefined && width >= tileWidth))
    return undefined;
  if (level === 'entries') return { level, tile, width };
  return Number(level) > maxLevel ? undefined : { level: Number(level), tile, width };
}
