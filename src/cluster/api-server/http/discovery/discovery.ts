import { createHash } from "node:crypto";
import type { ResourceInfo } from "../../resource-info.ts";
import { parseAccept } from "../media-type.ts";
import { type AggregatedVersion, aggregatedDiscovery } from "./aggregated.ts";
import { type ApiGroup, groupsOf } from "./api-groups.ts";
import { apiGroup, apiGroupList, apiResourceList, apiVersions } from "./classic.ts";

export interface DiscoveryAnswer {
  readonly body: object;
  readonly contentType: string;
  /** Changes with the body; only of answers that clients revalidate. */
  readonly etag?: string;
}

/** Tells clients which resources are served. */
export class Discovery {
  readonly #resources: () => readonly ResourceInfo[];
  readonly #address: string;
  #seen: readonly ResourceInfo[] | undefined;
  #groups: readonly ApiGroup[] = [];
  #aggregated = new Map<string, DiscoveryAnswer>();

  /** `resources` gives the same array again until what is served changes. `address` is `127.0.0.1:7443`. */
  constructor(resources: () => readonly ResourceInfo[], address: string) {
    this.#resources = resources;
    this.#address = address;
  }

  /** The answer at a discovery path; undefined when the path is none. */
  answer(path: string, accept: string | undefined): DiscoveryAnswer | undefined {
    const [root, group, version, ...rest] = path.split("/").filter((part) => part !== "");
    if (rest.length > 0 || (root !== "api" && root !== "apis")) return undefined;
    if (group === undefined) return this.#root(root, accept);
    const body = root === "api" ? this.#core(group, version) : this.#named(group, version);
    return body === undefined ? undefined : { body, contentType: "application/json" };
  }

  groups(): readonly ApiGroup[] {
    const resources = this.#resources();
    if (resources !== this.#seen) {
      this.#seen = resources;
      this.#groups = groupsOf(resources);
      this.#aggregated.clear();
    }
    return this.#groups;
  }

  #root(root: "api" | "apis", accept: string | undefined): DiscoveryAnswer {
    const version = aggregatedVersionIn(accept);
    const groups = this.groups().filter(({ name }) => (name === "") === (root === "api"));
    if (version === undefined) {
      const body = root === "api" ? apiVersions(this.#address) : apiGroupList(groups);
      return { body, contentType: "application/json" };
    }
    const key = `${root} ${version}`;
    const known = this.#aggregated.get(key);
    if (known !== undefined) return known;
    const body = aggregatedDiscovery(groups, version);
    const answer = {
      body,
      contentType: `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
      etag: `"${createHash("sha256").update(JSON.stringify(body)).digest("hex").toUpperCase()}"`,
    };
    this.#aggregated.set(key, answer);
    return answer;
  }

  #core(version: string, excess: string | undefined): object | undefined {
    return excess === undefined ? this.#resourceList("", version) : undefined;
  }

  #named(group: string, version: string | undefined): object | undefined {
    if (version !== undefined) return this.#resourceList(group, version);
    const found = this.groups().find(({ name }) => name === group && name !== "");
    return found === undefined ? undefined : apiGroup(found);
  }

  #resourceList(group: string, version: string): object | undefined {
    const versions = this.groups().find(({ name }) => name === group)?.versions;
    const found = versions?.find((each) => each.version === version);
    return found === undefined ? undefined : apiResourceList(found);
  }
}

/** The version of aggregated discovery that the client wants most, unless it wants the classic lists more. */
function aggregatedVersionIn(accept: string | undefined): AggregatedVersion | undefined {
  for (const { type, parameters } of parseAccept(accept)) {
    if (type !== "application/json") continue;
    if (parameters.as === undefined) return undefined;
    const isAggregated = parameters.as === "APIGroupDiscoveryList" && parameters.g === "apidiscovery.k8s.io";
    if (isAggregated && (parameters.v === "v2" || parameters.v === "v2beta1")) return parameters.v;
  }
  return undefined;
}
