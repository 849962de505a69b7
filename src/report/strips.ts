/** Images for the report, small enough that the page can be mailed. */
import type { Sharp } from "sharp";
import type { Section } from "./page.js";

/** One test image: what was seen, and what each method made of it. */
export interface StripContents {
  readonly label: string;
  readonly images: readonly { readonly method: string; readonly caption: string; readonly image: Sharp }[];
}

/** Bytes of images in a page; a third more once they are text. */
const budget = 1_200_000;

/**
 * The section of images: WebP, without loss where images are small. As many strips, from the first on, as fit into the page; what is left
 * out is said.
 *
 * @param side - Width of the images in pixels.
 * @param where - Where all images are, for the note.
 */
export async function imageSection(
  title: string,
  contents: readonly StripContents[],
  { side, where }: { readonly side: number; readonly where: string },
): Promise<Section> {
  const small = side <= 40;
  const strips = [];
  let bytes = 0;
  for (const { label, images } of contents) {
    const encoded = [];
    for (const { method, caption, image } of images) {
      const data = await image.webp(small ? { lossless: true } : { quality: 80 }).toBuffer();
      bytes += data.length;
      encoded.push({ method, caption, source: `data:image/webp;base64,${data.toString("base64")}` });
    }
    if (bytes > budget) break;
    strips.push({ label, images: encoded });
  }
  const left = contents.length - strips.length;
  const notes =
    left > 0
      ? [`The first ${strips.length} of ${contents.length} test images, in their order; all are in ${where}.`]
      : [];
  return { kind: "images", title, strips, pixelated: side <= 64, notes };
}
