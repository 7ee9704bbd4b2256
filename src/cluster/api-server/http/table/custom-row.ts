import type { Instant } from "../../../../time/clock.ts";
import type { Column } from "../../resource-info.ts";
import { ageOf } from "./age.ts";
import type { Cell, RowPrinter } from "./cells.ts";
import { parseJsonPath, valuesAt } from "./json-path.ts";

/**
 * Prints a custom resource by the columns of its definition. A cell is null, which kubectl shows as `<none>`, when the
 * path leads nowhere or the value is not of the column's type.
 */
export function customRowPrinter(columns: readonly Column[]): RowPrinter {
  const printers = columns.map(({ jsonPath, type, format }): RowPrinterOfCell => {
    if (jsonPath === undefined) return (object) => (format === "name" ? nameOf(object) : null);
    const path = parseJsonPath(jsonPath);
    return (object, now) => (path === undefined ? null : cellOf(type, valuesAt(path, object), now));
  });
  return (object, now) => printers.map((print) => print(object, now));
}

type RowPrinterOfCell = (object: Parameters<RowPrinter>[0], now: Instant) => Cell;

function nameOf(object: Parameters<RowPrinter>[0]): string {
  return object.metadata.name;
}

function cellOf(type: string, values: readonly unknown[], now: Instant): Cell {
  const [value] = values;
  if (value === undefined || value === null) return null;
  switch (type) {
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : null;
    case "number":
      return typeof value === "number" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      return typeof value === "string" ? ageOf(value, now) : null;
    default:
      return values.map((each) => (typeof each === "string" ? each : JSON.stringify(each))).join(" ");
  }
}
