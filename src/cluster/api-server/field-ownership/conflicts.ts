import { Refusal } from "../refusal.ts";
import { type FieldSet, membersOf } from "./field-set.ts";
import type { ManagerId } from "./managers.ts";
import { pathText } from "./path-text.ts";

/** Fields that an apply would change and that somebody else owns. */
export interface Conflict {
  readonly manager: ManagerId;
  readonly fields: FieldSet;
}

export class FieldConflict extends Error {
  readonly conflicts: readonly Conflict[];

  constructor(conflicts: readonly Conflict[]) {
    super("fields of other managers");
    this.conflicts = conflicts;
  }
}

/** 409 in the server's words, with a cause for each field. */
export function conflictRefusal(conflicts: readonly Conflict[]): Refusal {
  const fields = conflicts
    .flatMap(({ manager, fields }) =>
      membersOf(fields).map((path) => ({ manager: managerText(manager), path: pathText(path) })),
    )
    .sort((a, b) => (a.manager < b.manager ? -1 : a.manager > b.manager ? 1 : 0));
  const [first] = fields;
  const byManager = Map.groupBy(fields, ({ manager }) => manager);
  const message =
    fields.length === 1
      ? `1 conflict: conflict with ${first?.manager}: ${first?.path}`
      : `${fields.length} conflicts: ${[...byManager]
          .map(
            ([manager, paths]) =>
              `conflicts with ${manager}:\n${paths.map(({ path }) => `- ${path}`).join("\n")}`,
          )
          .join("\n")}`;
  return new Refusal(409, "Conflict", `Apply failed with ${message}`, {
    causes: fields.map(({ manager, path }) => ({
      reason: "FieldManagerConflict",
      message: `conflict with ${manager}`,
      field: path,
    })),
  });
}

function managerText({ manager, operation, apiVersion, subresource }: ManagerId): string {
  const name = `${JSON.stringify(manager)}${subresource === "" ? "" : ` with subresource ${JSON.stringify(subresource)}`}`;
  return operation === "Update" ? `${name} using ${apiVersion}` : name;
}
