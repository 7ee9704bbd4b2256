import type { Colour, Paint } from "./paint.ts";

/** A piece of a cell in one colour. */
export interface Span {
  readonly text: string;
  readonly colour?: Colour | undefined;
}

export type Cell = string | readonly Span[];

/** Lines of cells, each column as wide as its widest cell, `gap` spaces apart, no space at the ends of lines. */
export function columns(rows: readonly (readonly Cell[])[], gap: number, paint: Paint): string {
  const spans = rows.map((row) => row.map(spansOf));
  const widths: number[] = [];
  for (const row of spans)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, widthOf(cell));
  return spans.map((row) => `${lineOf(row, widths, gap, paint)}\n`).join("");
}

function lineOf(
  row: readonly (readonly Span[])[],
  widths: readonly number[],
  gap: number,
  paint: Paint,
): string {
  const last = row.findLastIndex((cell) => widthOf(cell) > 0);
  return row
    .slice(0, last + 1)
    .map((cell, index) => {
      const text = cell.map((span) => paint(span.text, span.colour)).join("");
      const missing = index === last ? 0 : (widths[index] ?? 0) - widthOf(cell) + gap;
      return text + " ".repeat(missing);
    })
    .join("")
    .trimEnd();
}

function spansOf(cell: Cell): readonly Span[] {
  return typeof cell === "string" ? [{ text: cell }] : cell;
}

// Every sign that Teal prints takes one place in a terminal, whatever number of code units it has.
function widthOf(cell: readonly Span[]): number {
  return cell.reduce((sum, { text }) => sum + Array.from(text).length, 0);
}
