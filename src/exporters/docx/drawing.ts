import { page, textWidth } from './page.ts';
import type { PictureSize } from '../picture-size.ts';
import { xmlText } from './xml-text.ts';

const emuPerTwip = 635;
/** A pixel as Word measures it, of 96 to the inch. */
const emuPerPixel = 9525;
const maxWidth = textWidth * emuPerTwip;
/** So that its caption, and some of what belongs to it, stand on the same page. */
const maxHeight = Math.round((page.height - 2 * page.margin) * 0.55) * emuPerTwip;

/** One picture on the line of a paragraph: as large as it is, or smaller where the page asks for it, never stretched. */
export function drawing({
  id,
  relation,
  alt,
  size,
}: {
  /** Of this drawing alone; from 1. */
  readonly id: number;
  readonly relation: string;
  readonly alt: string;
  readonly size: PictureSize;
}): string {
  const { width, height } = extent(size);
  const name = `id="${id}" name="Picture ${id}" descr="${xmlText(alt)}"`;
  return (
    '<w:r><w:drawing><wp:inline distT="0" distB="0" distL="0" distR="0">' +
    `<wp:extent cx="${width}" cy="${height}"/><wp:docPr ${name}/>` +
    '<wp:cNvGraphicFramePr><a:graphicFrameLocks noChangeAspect="1"/></wp:cNvGraphicFramePr>' +
    `<a:graphic><a:graphicData uri="${pictureNamespace}"><pic:pic>` +
    `<pic:nvPicPr><pic:cNvPr ${name}/><pic:cNvPicPr/></pic:nvPicPr>` +
    `<pic:blipFill><a:blip r:embed="${relation}"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill>` +
    `<pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="${width}" cy="${height}"/></a:xfrm>` +
    '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr>' +
    '</pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>'
  );
}

export const pictureNamespace = 'http://schemas.openxmlformats.org/drawingml/2006/picture';

/** In English metric units; a line of one pixel stays one. */
function extent({ width, height }: PictureSize): PictureSize {
  const scale = Math.min(1, maxWidth / (width * emuPerPixel), maxHeight / (height * emuPerPixel));
  const scaled = (pixels: number): number => Math.max(1, Math.round(pixels * emuPerPixel * scale));
  return { width: scaled(width), height: scaled(height) };
}
