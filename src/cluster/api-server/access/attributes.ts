/** What a request wants to do, as far as rights are concerned. */
export type Attributes = ResourceAttributes | PathAttributes;

export interface ResourceAttributes {
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, or one that only roles know, as `bind`. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  /** Empty for the cluster, or all namespaces. */
  readonly namespace: string;
  /** Empty for all. */
  readonly name: string;
}

/** Of what is no resource, as `/version`. */
export interface PathAttributes {
  /** An HTTP method in small letters. */
  readonly verb: string;
  readonly path: string;
}

/** Whether a GET asks to be told of changes. */
export function isWatch(query: Readonly<Record<string, string>>): boolean {
  return query.watch === "true" || query.watch === "1";
}
