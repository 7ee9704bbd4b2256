import type { Status } from "../../api/core.ts";
import type { Resource } from "../../api/resources.ts";

export interface Cause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** A request that the API server refuses: thrown anywhere below it, answered as the `Status` it carries. */
export class Refusal extends Error {
  readonly status: Status & { readonly code: number };

  constructor(
    code: number,
    reason: string | undefined,
    message: string,
    details?: Status["details"],
    metadata = {},
  ) {
    super(message);
    this.name = "Refusal";
    this.status = {
      kind: "Status",
      apiVersion: "v1",
      metadata,
      status: "Failure",
      message,
      ...(reason === undefined ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      code,
    };
  }
}

type Named = Pick<Resource, "group" | "plural">;

/** `pods`, `deployments.apps`: a resource's name for people, and the name of its collection in the store. */
export function qualified(resource: Named): string {
  return resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;
}

function detailsOf(resource: Named, name: string): { name: string; group?: string; kind: string } {
  return { name, ...(resource.group === "" ? {} : { group: resource.group }), kind: resource.plural };
}

export function notFound(resource: Named, name: string): Refusal {
  return new Refusal(
    404,
    "NotFound",
    `${qualified(resource)} "${name}" not found`,
    detailsOf(resource, name),
  );
}

/** For a path that names nothing that is served. */
export function noSuchResource(): Refusal {
  return new Refusal(404, "NotFound", "the server could not find the requested resource", {});
}

/** For what Kubernetes has and this cluster does not: `pods/exec`, `jobs.batch`. */
export function notOffered(resource: Named, subresource?: string): Refusal {
  const { group, plural } = resource;
  const name = qualified({ group, plural: subresource === undefined ? plural : `${plural}/${subresource}` });
  const details = { ...(group === "" ? {} : { group }), kind: plural };
  return new Refusal(404, "NotFound", `${name} is not offered by the embedded cluster`, details);
}

export function methodNotAllowed(): Refusal {
  const message = "the server does not allow this method on the requested resource";
  return new Refusal(405, "MethodNotAllowed", message, {});
}

export function alreadyExists(resource: Named, name: string): Refusal {
  return new Refusal(
    409,
    "AlreadyExists",
    `${qualified(resource)} "${name}" already exists`,
    detailsOf(resource, name),
  );
}

export function conflict(resource: Named, name: string, why: string): Refusal {
  return new Refusal(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`,
    detailsOf(resource, name),
  );
}

export const modifiedMeanwhile =
  "the object has been modified; please apply your changes to the latest version and try again";

/** A precondition of a deletion that does not hold; the server names the kind here, not the resource. */
export function deletionConflict(resource: Resource, name: string, why: string): Refusal {
  return new Refusal(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${kindName(resource)} "${name}": ${why}`,
    {
      name,
      ...(resource.group === "" ? {} : { group: resource.group }),
      kind: resource.kind,
    },
  );
}

export function forbidden(resource: Named, name: string, why: string, causes?: readonly Cause[]): Refusal {
  return new Refusal(403, "Forbidden", `${qualified(resource)} "${name}" is forbidden: ${why}`, {
    ...detailsOf(resource, name),
    ...(causes === undefined ? {} : { causes }),
  });
}

export function badRequest(message: string): Refusal {
  return new Refusal(400, "BadRequest", message);
}

/** Failures that the real server reports as its own, without a reason. */
export function serverError(message: string): Refusal {
  return new Refusal(500, undefined, message);
}

export function internalError(why: string): Refusal {
  return new Refusal(500, "InternalError", `Internal error occurred: ${why}`, { causes: [{ message: why }] });
}

export function unsupportedMediaType(message = "415: Unsupported Media Type", details?: object): Refusal {
  return new Refusal(415, "UnsupportedMediaType", message, details);
}

export function expired(message: string, metadata = {}): Refusal {
  return new Refusal(410, "Expired", message, undefined, metadata);
}

function kindName(resource: Pick<Resource, "group" | "kind">): string {
  return resource.group === "" ? resource.kind : `${resource.kind}.${resource.group}`;
}

/** What is wrong with one field. */
export interface FieldError {
  readonly field: string;
  readonly reason: string;
  readonly message: string;
}

// Nobody reads more, and a bad element may be there a hundred thousand times.
const mostCauses = 100;

/** 422 with one cause per field. `resource` is what is named in front: mostly a kind. */
export function invalid(
  resource: Pick<Resource, "group" | "kind">,
  name: string,
  all: readonly FieldError[],
): Refusal {
  const errors = all.slice(0, mostCauses);
  const texts = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))];
  if (all.length > errors.length) texts.push(`and ${all.length - errors.length} more`);
  const list = texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
  return new Refusal(422, "Invalid", `${kindName(resource)} "${name}" is invalid: ${list}`, {
    ...(name === "" ? {} : { name }),
    ...(resource.group === "" ? {} : { group: resource.group }),
    ...(resource.kind === "" ? {} : { kind: resource.kind }),
    causes: errors.map(({ field, reason, message }) => ({ reason, message, field })),
  });
}

/** A refused query parameter or option. */
export function invalidOption(kind: string, ...errors: readonly FieldError[]): Refusal {
  return invalid({ group: "meta.k8s.io", kind }, "", errors);
}

export const fieldError = {
  required: (field: string, detail?: string): FieldError => ({
    field,
    reason: "FieldValueRequired",
    message: detail === undefined ? "Required value" : `Required value: ${detail}`,
  }),
  invalid: (field: string, value: unknown, detail: string): FieldError => ({
    field,
    reason: "FieldValueInvalid",
    message: `Invalid value: ${valueText(value)}: ${detail}`,
  }),
  type: (field: string, value: unknown, detail: string): FieldError => ({
    field,
    reason: "FieldValueTypeInvalid",
    message: `Invalid value: ${valueText(value)}: ${detail}`,
  }),
  notSupported: (field: string, value: unknown, supported: readonly unknown[]): FieldError => ({
    field,
    reason: "FieldValueNotSupported",
    message: `Unsupported value: ${valueText(value)}: supported values: ${supported.map(valueText).join(", ")}`,
  }),
  forbidden: (field: string, detail: string): FieldError => ({
    field,
    reason: "FieldValueForbidden",
    message: `Forbidden: ${detail}`,
  }),
  duplicate: (field: string, value: unknown): FieldError => ({
    field,
    reason: "FieldValueDuplicate",
    message: `Duplicate value: ${valueText(value)}`,
  }),
  notFound: (field: string, value: unknown): FieldError => ({
    field,
    reason: "FieldValueNotFound",
    message: `Not found: ${valueText(value)}`,
  }),
  tooLong: (field: string, bytes: number): FieldError => ({
    field,
    reason: "FieldValueTooLong",
    message: `Too long: may not be more than ${counted(bytes, "byte")}`,
  }),
  tooMany: (field: string, count: number, most: number): FieldError => ({
    field,
    reason: "FieldValueTooMany",
    message: `Too many: ${count}: must have at most ${counted(most, "item")}`,
  }),
};

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

// As the server, which is written in Go, prints it.
function valueText(value: unknown): string {
  const text = JSON.stringify(value ?? null);
  if (typeof value === "object")
    return text.replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
  return text.replace(/\\u00([01][0-9a-f])/g, "\\x$1");
}

/** `ConfigMap in version "v1" cannot be handled as a ConfigMap: why`. */
export function undecodable(
  resource: Pick<Resource, "version" | "kind">,
  why: string,
  found = resource.kind,
): Refusal {
  return badRequest(
    `${found} in version "${resource.version}" cannot be handled as a ${resource.kind}: ${why}`,
  );
}
