import type { KubernetesObject } from "../../../../api/core.ts";
import type { Instant } from "../../../../time/clock.ts";
import type { Column, ResourceInfo } from "../../resource-info.ts";
import type { Cell, RowPrinter } from "./cells.ts";
import { customRowPrinter } from "./custom-row.ts";
import { rowPrinters } from "./row-printers.ts";

/** What each row carries besides its cells. */
export type IncludeObject = "None" | "Metadata" | "Object";

export interface TableOptions {
  /** `meta.k8s.io/v1`, or the older form that the client asked for. */
  readonly apiVersion: string;
  readonly includeObject: IncludeObject;
  readonly now: Instant;
}

export interface Table {
  readonly kind: "Table";
  readonly apiVersion: string;
  readonly metadata: object;
  readonly columnDefinitions: readonly object[] | null;
  readonly rows: readonly { readonly cells: readonly Cell[]; readonly object: object | null }[];
}

const defaultColumns: readonly Column[] = [
  { name: "Name", type: "string", format: "name", priority: 0 },
  { name: "Created At", type: "date", priority: 0 },
];
const printByDefault: RowPrinter = ({ metadata }) => [metadata.name, metadata.creationTimestamp ?? null];

type TableResource = Pick<ResourceInfo, "group" | "version" | "kind" | "columns" | "custom">;

/** What `/scale` answers, whose objects are of no resource of their own. */
export const scaleResource: TableResource = {
  group: "autoscaling",
  version: "v1",
  kind: "Scale",
  columns: [
    { name: "Name", type: "string", format: "name", priority: 0 },
    { name: "Desired", type: "integer", priority: 0 },
    { name: "Available", type: "integer", priority: 0 },
    { name: "Age", type: "string", priority: 0 },
  ],
  custom: false,
};

/** Renders objects of one resource as the rows that kubectl prints. Rows keep the order of the objects. */
export class TableRenderer {
  readonly #columns: readonly Column[];
  readonly #print: RowPrinter;
  readonly #resource: TableResource | undefined;

  /** Without a resource (answers of another kind) rows are name and time of creation. */
  constructor(resource: TableResource | undefined) {
    this.#resource = resource;
    const known = resource === undefined ? undefined : rowPrinters[`${resource.group}/${resource.kind}`];
    const custom = resource?.custom === true ? customRowPrinter(resource.columns) : undefined;
    this.#print = known ?? custom ?? printByDefault;
    this.#columns = this.#print === printByDefault ? defaultColumns : (resource?.columns ?? defaultColumns);
  }

  /** `metadata` is the list's own, or of a single object its resourceVersion. */
  render(objects: readonly KubernetesObject[], metadata: object, options: TableOptions): Table {
    return {
      kind: "Table",
      apiVersion: options.apiVersion,
      metadata,
      columnDefinitions: this.#columns.map(({ name, type, format = "", description = "", priority }) => ({
        name,
        type,
        format,
        description,
        priority,
      })),
      rows: objects.map((object) => ({
        cells: this.#print(object, options.now),
        object: this.#rowObject(object, options),
      })),
    };
  }

  #rowObject(object: KubernetesObject, { includeObject, apiVersion }: TableOptions): object | null {
    if (includeObject === "None") return null;
    if (includeObject === "Metadata") return partialMetadata(object, apiVersion);
    // Items of a list may leave out what the list's kind says.
    return this.#resource === undefined ? object : { ...typeOf(this.#resource), ...object };
  }
}

function typeOf({ group, version, kind }: TableResource): {
  readonly kind: string;
  readonly apiVersion: string;
} {
  return { kind, apiVersion: group === "" ? version : `${group}/${version}` };
}

/** An object reduced to its metadata, for clients that read any kind alike. */
export function partialMetadata({ metadata }: KubernetesObject, apiVersion: string): object {
  return { kind: "PartialObjectMetadata", apiVersion, metadata };
}
