/** ImageNet's names of pictures: as files, and as the one number that recordings hold. */

/**
 * The name in a number: the part before the point is the WordNet number, six digits behind it are the picture's.
 *
 * @param value - E.g. 1443537.022563.
 * @returns E.g. "n01443537_22563"; `null` when the number is no such pair.
 */
export function stimulusOfNumber(value: number): string | null {
  const synset = Math.floor(value);
  const picture = Math.round((value - synset) * 1e6);
  if (!Number.isFinite(value) || synset < 1 || synset > 99_999_999 || picture < 1 || picture > 999_999) return null;
  return `n${String(synset).padStart(8, "0")}_${picture}`;
}

/** The name in a file name or path, whatever its folders, ending and leading zeros; `null` when there is none. */
export function stimulusOfName(path: string): string | null {
  const match = /(?:^|[^a-z0-9])n0*(\d{1,8})_0*(\d{1,7})(?:\.\w+)?"?$/i.exec(path.trim());
  return match === null ? null : `n${(match[1] ?? "").padStart(8, "0")}_${match[2]}`;
}
