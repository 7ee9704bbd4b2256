import type { TestContext } from "node:test";
import type { ReplicaSet } from "../../../api/core.ts";
import { resources } from "../../../api/resources.ts";
import { WorkloadsBed } from "../workloads.fixture.ts";
import type { Deployment } from "./deployment.ts";
import { revisionOf } from "./revisions.ts";

type Spec = Partial<Omit<Deployment["spec"], "template" | "selector">>;

/** A Deployment `web` on a bed of its own. */
export class DeploymentBed {
  readonly bed: WorkloadsBed;

  private constructor(bed: WorkloadsBed) {
    this.bed = bed;
  }

  static async start(context: TestContext, spec: Spec = {}): Promise<DeploymentBed> {
    const bed = await WorkloadsBed.start(context);
    await bed.create(resources.deployments, {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web", annotations: { "kubernetes.io/change-cause": "first" } },
      spec: {
        replicas: 3,
        selector: { matchLabels: { app: "web" } },
        template: {
          metadata: { labels: { app: "web" } },
          spec: { containers: [{ name: "app", image: "web:1" }] },
        },
        ...spec,
      },
    });
    return new DeploymentBed(bed);
  }

  get(): Promise<Deployment> {
    return this.bed.get<Deployment>(resources.deployments, "web");
  }

  patch(spec: object, metadata: object = {}): Promise<void> {
    return this.bed.patch(resources.deployments, "web", { metadata, spec });
  }

  setImage(image: string): Promise<void> {
    return this.patch({ template: { spec: { containers: [{ name: "app", image }] } } });
  }

  async replicaSets(): Promise<readonly ReplicaSet[]> {
    return await this.bed.list<ReplicaSet>(resources.replicaSets);
  }

  /** By revision: the image and the size. */
  async sizes(): Promise<Readonly<Record<number, string>>> {
    return Object.fromEntries(
      (await this.replicaSets()).map((replicaSet) => [
        revisionOf(replicaSet),
        `${replicaSet.spec.template.spec.containers[0]?.image} ${replicaSet.spec.replicas}`,
      ]),
    );
  }

  /** `Available True MinimumReplicasAvailable`, in the order in which they stand. */
  async conditions(): Promise<readonly string[]> {
    const { status } = await this.get();
    return (status?.conditions ?? []).map(({ type, status: is, reason }) => `${type} ${is} ${reason}`);
  }
}
