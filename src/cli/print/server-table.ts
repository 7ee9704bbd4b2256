import { columns } from "./columns.ts";
import { plain } from "./paint.ts";

/** The form in which a server answers a list for people. */
export const tableAccept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

/** `Table` of meta.k8s.io/v1. */
export interface Table {
  /** In a watch only of the first table. */
  readonly columnDefinitions?: readonly { readonly name: string; readonly priority?: number }[] | null;
  readonly rows?: readonly {
    readonly cells: readonly unknown[];
    readonly object?: { readonly metadata?: { readonly name?: string; readonly namespace?: string } };
  }[];
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

export interface TableStyle {
  /** Also the columns that the server holds for less important. */
  readonly wide: boolean;
  readonly withNamespace: boolean;
  readonly withHeader: boolean;
}

/** A server's table as kubectl prints it. */
export function printServerTable(
  { columnDefinitions: definitions, rows = [] }: Table,
  { wide, withNamespace, withHeader }: TableStyle,
): string {
  const columnDefinitions = definitions ?? [];
  const shown = columnDefinitions.flatMap(({ priority = 0 }, index) =>
    wide || priority === 0 ? [index] : [],
  );
  const header = shown.map((index) => (columnDefinitions[index]?.name ?? "").toUpperCase());
  const lines = rows.map(({ cells, object }) => {
    const texts = shown.map((index) => cellText(cells[index]));
    return withNamespace ? [object?.metadata?.namespace ?? "", ...texts] : texts;
  });
  const headers = withHeader ? [withNamespace ? ["NAMESPACE", ...header] : header] : [];
  return columns([...headers, ...lines], 3, plain);
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return "<none>";
  return typeof cell === "string" ? cell : JSON.stringify(cell);
}
