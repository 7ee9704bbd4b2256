import { createHash } from "node:crypto";
import type { ApiGroup, GroupVersion } from "../discovery/api-groups.ts";
import { pathsOf } from "./paths.ts";
import { schemasOf } from "./schemas.ts";

export type OpenApiAnswer =
  | { readonly is: "document"; readonly json: string; readonly hash: string; readonly immutable: boolean }
  | { readonly is: "moved"; readonly location: string };

interface Document {
  readonly json: string;
  readonly hash: string;
}

const root = "/openapi/v3";

/** OpenAPI v3 documents, one per group and version, written when first asked for and again when what is served changes. */
export class OpenApiDocuments {
  readonly #groups: () => readonly ApiGroup[];
  readonly #version: string;
  #documents = new WeakMap<GroupVersion, Document>();

  /** `groups` gives the same values again until what is served changes. */
  constructor(groups: () => readonly ApiGroup[], version: string) {
    this.#groups = groups;
    this.#version = version;
  }

  /** The answer at `/openapi/v3` and below; undefined when there is nothing. */
  answer(path: string, wantedHash: string | undefined): OpenApiAnswer | undefined {
    if (path === root) return this.#index();
    const served = this.#groups()
      .flatMap(({ versions }) => versions)
      .find((each) => path === `${root}/${documentPath(each)}`);
    if (served === undefined) return undefined;
    const { json, hash } = this.#document(served);
    // Clients keep what an address with a hash answered for good, so an old hash must not get a new document.
    if (wantedHash !== undefined && wantedHash !== hash)
      return { is: "moved", location: `${path}?hash=${hash}` };
    return { is: "document", json, hash, immutable: wantedHash !== undefined };
  }

  #index(): OpenApiAnswer {
    const entries = this.#groups()
      .flatMap(({ versions }) => versions)
      .map((each): [string, object] => {
        const path = documentPath(each);
        return [path, { serverRelativeURL: `${root}/${path}?hash=${this.#document(each).hash}` }];
      });
    const json = JSON.stringify({ paths: Object.fromEntries(entries) });
    return { is: "document", json, hash: hashOf(json), immutable: false };
  }

  #document(served: GroupVersion): Document {
    const known = this.#documents.get(served);
    if (known !== undefined) return known;
    const json = JSON.stringify({
      openapi: "3.0.0",
      info: { title: "Kubernetes", version: this.#version },
      paths: Object.assign({}, ...served.resources.map(pathsOf)),
      components: { schemas: schemasOf(served.resources) },
    });
    const document = { json, hash: hashOf(json) };
    this.#documents.set(served, document);
    return document;
  }
}

/** `api/v1`, `apis/apps/v1`. */
function documentPath({ group, name }: GroupVersion): string {
  return group === "" ? `api/${name}` : `apis/${name}`;
}

export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").toUpperCase();
}
