import type { ApiGroup } from "../discovery/api-groups.ts";
import { parseAccept } from "../media-type.ts";
import { hashOf } from "./documents.ts";
import { pathsOf } from "./paths.ts";
import { emptyProtobufDocument, protobufType } from "./version-2-protobuf.ts";
import { version2SchemasOf } from "./version-2-schemas.ts";

export interface Version2Answer {
  readonly body: Buffer;
  readonly contentType: string;
  /** Of JSON: changes with what is served. */
  readonly hash?: string;
}

interface Parameter {
  readonly schema: object;
}

/**
 * The one OpenAPI v2 document of all that is served, at `/openapi/v2`: Terraform's `kubernetes_manifest` takes all types from it.
 * Written when first asked for, and again when what is served has changed.
 */
export class Version2Document {
  readonly #groups: () => readonly ApiGroup[];
  readonly #version: string;
  #written = new WeakMap<readonly ApiGroup[], Version2Answer>();

  /** `groups` gives the same value again until what is served changes. */
  constructor(groups: () => readonly ApiGroup[], version: string) {
    this.#groups = groups;
    this.#version = version;
  }

  /** In the first form of `Accept` that is offered; undefined when there is none. */
  answer(accept: string | undefined): Version2Answer | undefined {
    for (const { type } of parseAccept(accept)) {
      if (type === protobufType) return emptyProtobufDocument();
      if (type === "application/json" || type === "application/*" || type === "*/*") return this.#json();
    }
    return undefined;
  }

  #json(): Version2Answer {
    const groups = this.#groups();
    const known = this.#written.get(groups);
    if (known !== undefined) return known;
    const resources = groups.flatMap(({ versions }) => versions.flatMap((version) => version.resources));
    const text = JSON.stringify({
      swagger: "2.0",
      info: { title: "Kubernetes", version: this.#version },
      paths: Object.fromEntries(resources.flatMap((resource) => Object.entries(pathsOf(resource)).map(flat))),
      definitions: version2SchemasOf(resources),
    });
    const answer = { body: Buffer.from(text), contentType: "application/json", hash: hashOf(text) };
    this.#written.set(groups, answer);
    return answer;
  }
}

/** The operations at a path with parameters as v2 writes them: what v3 says in `schema` stands beside the name. */
function flat([path, operations]: [string, object]): [string, object] {
  const flattened = Object.entries(operations).map(([method, operation]): [string, object] => {
    const parameters = (operation.parameters as readonly Parameter[]).map(({ schema, ...parameter }) => ({
      ...parameter,
      ...schema,
    }));
    return [method, { ...operation, parameters }];
  });
  return [path, Object.fromEntries(flattened)];
}
