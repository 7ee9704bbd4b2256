import type { ResourceInfo, Subresource } from "../../resource-info.ts";

type Action = "get" | "list" | "post" | "put" | "patch" | "delete" | "deletecollection";

const httpMethods: Readonly<Record<Action, string>> = {
  get: "get",
  list: "get",
  post: "post",
  put: "put",
  patch: "patch",
  delete: "delete",
  deletecollection: "delete",
};

const collectionActions: readonly (readonly [string, Action])[] = [
  ["list", "list"],
  ["create", "post"],
  ["deletecollection", "deletecollection"],
];
const objectActions: readonly (readonly [string, Action])[] = [
  ["get", "get"],
  ["update", "put"],
  ["patch", "patch"],
  ["delete", "delete"],
];

const query = (name: string, type: string) => ({ name, in: "query", schema: { type, uniqueItems: true } });
const writeParameters = [
  query("dryRun", "string"),
  query("fieldManager", "string"),
  query("fieldValidation", "string"),
];
const parameters: Readonly<Record<Action, readonly object[]>> = {
  get: [],
  list: ["labelSelector", "fieldSelector", "resourceVersion", "continue"].map((name) =>
    query(name, "string"),
  ),
  post: writeParameters,
  put: writeParameters,
  patch: [...writeParameters, query("force", "boolean")],
  delete: [query("dryRun", "string"), query("propagationPolicy", "string")],
  deletecollection: [query("dryRun", "string"), query("labelSelector", "string")],
};

/**
 * The operations on a resource, as far as clients look into them: which kind an operation acts on and which
 * parameters it takes (`kubectl apply` asks for `fieldValidation`, `kubectl explain` for the kind).
 */
export function pathsOf(resource: ResourceInfo): Readonly<Record<string, object>> {
  const root =
    resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const inScope = resource.namespaced ? `${root}/namespaces/{namespace}` : root;
  const collection = `${inScope}/${resource.plural}`;
  const object = `${collection}/{name}`;
  const subresources = resource.subresources.map((subresource): [string, object] => [
    `${object}/${subresource.name}`,
    subresourceOperations(resource, subresource),
  ]);
  return {
    ...(resource.namespaced
      ? { [`${root}/${resource.plural}`]: operations(resource, collectionActions.slice(0, 1)) }
      : {}),
    [collection]: operations(resource, collectionActions),
    [object]: operations(resource, objectActions),
    ...Object.fromEntries(subresources),
  };
}

type Operated = Pick<ResourceInfo, "group" | "version" | "kind"> & { readonly verbs: readonly string[] };

function subresourceOperations(resource: ResourceInfo, { kind, group, version, verbs }: Subresource): object {
  const operated = { group: group ?? resource.group, version: version ?? resource.version, kind, verbs };
  return operations(operated, [...objectActions, ["create", "post"]]);
}

function operations(operated: Operated, actions: readonly (readonly [string, Action])[]): object {
  const { group, version, kind, verbs } = operated;
  const served = actions.filter(([verb]) => verbs.includes(verb));
  return Object.fromEntries(
    served.map(([, action]) => [
      httpMethods[action],
      {
        parameters: parameters[action],
        responses: { "200": { description: "OK" } },
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": { group, version, kind },
      },
    ]),
  );
}
