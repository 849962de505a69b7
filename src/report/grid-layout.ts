/** What a grid holds: enough to place everything without looking at a pixel. */
export interface GridContents {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** Widest row label in pixels; 0 for none. */
  readonly labelWidth: number;
  /** Lines of text under each image of a row, one number a row. */
  readonly captionLines: readonly number[];
  readonly titleLines: number;
  /** Widest title line in pixels; 0 for none. A page is at least this wide. */
  readonly titleWidth: number;
  /** Columns in a row group; default as many as fit in about 1,600 pixels, 4 to 16. */
  readonly columns?: number;
}

/** One run of columns: the stimuli and under them their reconstructions. */
export interface GridGroup {
  /** First image and how many. */
  readonly first: number;
  readonly count: number;
  readonly top: number;
  readonly height: number;
}

/** Where everything goes, in pixels. Cell (row r, column c) of a group starts at `left + c * stepX`, `group.top + rowTops[r]`. */
export interface GridLayout {
  readonly width: number;
  readonly height: number;
  /** Screen pixels per image pixel. */
  readonly scale: number;
  readonly cellWidth: number;
  readonly cellHeight: number;
  readonly left: number;
  readonly stepX: number;
  /** Top of each row within its group. */
  readonly rowTops: readonly number[];
  readonly groups: readonly GridGroup[];
}

/** Fixed measures in pixels. */
export const GRID = {
  margin: 32,
  gap: 10,
  groupGap: 36,
  labelGap: 16,
  labelMost: 280,
  captionGap: 6,
  lineHeight: 17,
  titleHeight: 28,
  titleGap: 16,
  cell: 112,
  pageWidth: 1600,
} as const;

/** Whole pixels per pixel, so that no interpolation invents detail; the cell side closest to 112 pixels. */
function cellScale(size: number): number {
  const below = Math.max(1, Math.floor(GRID.cell / size));
  return Math.abs(below * size - GRID.cell) < Math.abs((below + 1) * size - GRID.cell) ? below : below + 1;
}

/** Columns per group: as even as can be, so that the last group is not a lone image. */
function columnsPerGroup(contents: GridContents, stepX: number): number {
  const fitting = Math.floor((GRID.pageWidth - 2 * GRID.margin - contents.labelWidth + GRID.gap) / stepX);
  const most = contents.columns ?? Math.min(16, Math.max(4, fitting));
  return Math.ceil(contents.count / Math.ceil(contents.count / most));
}

/** Places the cells of a grid of `count` columns, wrapped into groups. */
export function gridLayout(contents: GridContents): GridLayout {
  const scale = cellScale(Math.max(contents.height, contents.width));
  const cellWidth = scale * contents.width;
  const cellHeight = scale * contents.height;
  const stepX = cellWidth + GRID.gap;
  const columns = columnsPerGroup(contents, stepX);
  const left = GRID.margin + (contents.labelWidth > 0 ? Math.ceil(contents.labelWidth) + GRID.labelGap : 0);
  const rowTops: number[] = [];
  let bottom = 0;
  for (const lines of contents.captionLines) {
    rowTops.push(bottom);
    bottom += cellHeight + (lines > 0 ? GRID.captionGap + lines * GRID.lineHeight : 0) + GRID.gap;
  }
  const groupHeight = bottom - GRID.gap;
  const top = GRID.margin + (contents.titleLines > 0 ? contents.titleLines * GRID.titleHeight + GRID.titleGap : 0);
  const groups = Array.from({ length: Math.ceil(contents.count / columns) }, (_, g) => ({
    first: g * columns,
    count: Math.min(columns, contents.count - g * columns),
    top: top + g * (groupHeight + GRID.groupGap),
    height: groupHeight,
  }));
  const last = groups.at(-1);
  return {
    width: Math.max(left + columns * stepX - GRID.gap, GRID.margin + Math.ceil(contents.titleWidth)) + GRID.margin,
    height: (last === undefined ? top : last.top + last.height) + GRID.margin,
    ...{ scale, cellWidth, cellHeight, left, stepX, rowTops, groups },
  };
}
