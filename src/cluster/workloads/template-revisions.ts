import type { KubernetesObject, LabelSelector, PodTemplateSpec } from "../../api/core.ts";
import { equalJson } from "../../api/equal-json.ts";
import { selectorText } from "../../api/label-selector.ts";
import { controllerOf } from "../../api/metadata.ts";
import { type Resource, resources } from "../../api/resources.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { unlessGone } from "../../kubernetes/errors.ts";
import { templateHash } from "./deployment/template-hash.ts";
import { ownerReferenceTo } from "./ownership.ts";

interface ControllerRevision extends KubernetesObject {
  readonly data: { readonly spec: { readonly template: PodTemplateSpec } };
  readonly revision: number;
}

interface WithTemplate extends KubernetesObject {
  readonly spec: {
    readonly selector: LabelSelector;
    readonly template: PodTemplateSpec;
    readonly revisionHistoryLimit?: number;
  };
}

/** A template that an object has or had, by the name of the ControllerRevision that keeps it. */
interface Revision {
  readonly name: string;
  readonly template: PodTemplateSpec;
}

export interface Revisions {
  /** The one that the pods were last all of. */
  readonly current: Revision;
  /** The one that they are to become. */
  readonly update: Revision;
  /** All that are kept, the oldest first. */
  readonly kept: readonly string[];
}

/** The templates that the objects of a kind have had, kept in ControllerRevisions for `kubectl rollout history` and `undo`. */
export class TemplateRevisions {
  readonly #client: KubernetesClient;
  readonly #resource: Resource;
  readonly #hashLabel: string;

  /** `hashLabel`: by which each ControllerRevision says the hash of its template. */
  constructor(client: KubernetesClient, resource: Resource, hashLabel: string) {
    this.#hashLabel = hashLabel;
    this.#client = client;
    this.#resource = resource;
  }

  /** Notes the template of `owner` as the newest one. `currentName` is the revision that its pods were last all of. */
  async of(owner: WithTemplate, currentName: string | undefined): Promise<Revisions> {
    const { namespace } = owner.metadata;
    const { items } = await this.#client.list<ControllerRevision>(resources.controllerRevisions, {
      namespace,
      labelSelector: selectorText(owner.spec.selector),
    });
    const known = items
      .filter((one) => controllerOf(one)?.uid === owner.metadata.uid)
      .toSorted((a, b) => a.revision - b.revision);
    const newest = known.at(-1);
    const same = known.findLast((one) => equalJson(templateIn(one), owner.spec.template));
    const number = (newest?.revision ?? 0) + 1;
    const update =
      same === undefined
        ? await this.#create(owner, number)
        : same === newest
          ? same
          : await this.#client.patch<ControllerRevision>(
              resources.controllerRevisions,
              namespace,
              same.metadata.name,
              { type: "merge", body: { revision: number } },
            );
    const current = known.find(({ metadata }) => metadata.name === currentName) ?? update;
    return {
      current: { name: current.metadata.name, template: templateIn(current) },
      update: { name: update.metadata.name, template: owner.spec.template },
      kept: [...known.filter((one) => one !== same), update].map(({ metadata }) => metadata.name),
    };
  }

  /** Deletes the oldest beyond those that are kept to go back to; none that is `inUse`. */
  async forgetOld(owner: WithTemplate, { kept, update }: Revisions, inUse: readonly string[]): Promise<void> {
    const free = kept.filter((name) => name !== update.name && !inUse.includes(name));
    const surplus = free.slice(0, Math.max(0, free.length - (owner.spec.revisionHistoryLimit ?? 10)));
    for (const name of surplus)
      await this.#client
        .delete(resources.controllerRevisions, owner.metadata.namespace, name)
        .catch(unlessGone);
  }

  async #create(owner: WithTemplate, revision: number): Promise<ControllerRevision> {
    const { name, namespace, annotations } = owner.metadata;
    const hash = templateHash(owner.spec.template);
    return await this.#client.create<ControllerRevision>(resources.controllerRevisions, namespace, {
      apiVersion: "apps/v1",
      kind: "ControllerRevision",
      metadata: {
        name: `${name}-${hash}`,
        namespace,
        labels: { ...owner.spec.template.metadata?.labels, [this.#hashLabel]: hash },
        ...(annotations === undefined ? {} : { annotations }),
        ownerReferences: [ownerReferenceTo(this.#resource, owner)],
      },
      // Kubernetes keeps it as a patch that puts the whole template back.
      data: { spec: { template: { ...owner.spec.template, $patch: "replace" } } },
      revision,
    });
  }
}

function templateIn({ data }: ControllerRevision): PodTemplateSpec {
  const { $patch: _patch, ...template } = data.spec.template as PodTemplateSpec & {
    readonly $patch?: string;
  };
  return template;
}
