import type { KubernetesObject } from "../../api/core.ts";
import { resources } from "../../api/resources.ts";
import type { Rollout } from "../../api/rollout.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { any, type Cluster, verb } from "../command.ts";
import { CommandError, UsageError } from "../errors.ts";
import { readRollout } from "../rollout-requests.ts";

// Each time somebody else, mostly the controller, has written in between.
const attempts = 5;

export const setImage = verb({
  flags: {},
  words: { least: 2, most: any },
  async run({ words: [name = "", ...pairs] }, context) {
    const images = new Map(pairs.map(parsePair));
    const written = await write(await context.cluster(), name, images, attempts);
    context.terminal.out(`${written.kind.toLowerCase()} "${written.metadata.name}" image updated\n`);
    return 0;
  },
});

function parsePair(pair: string): [container: string, image: string] {
  const [container = "", image = "", more] = pair.split("=");
  if (container === "" || image === "" || more !== undefined)
    throw new UsageError(`must be CONTAINER=IMAGE, not "${pair}"`);
  return [container, image];
}

async function write(
  cluster: Cluster,
  name: string,
  images: ReadonlyMap<string, string>,
  left: number,
): Promise<KubernetesObject> {
  const rollout = await readRollout(cluster, name);
  try {
    return await writeTemplate(cluster, rollout, images);
  } catch (error) {
    if (!(error instanceof ApiError) || error.kind !== "conflict" || left <= 1) throw error;
    return write(cluster, name, images, left - 1);
  }
}

/** The template is the Rollout's own, or that of the Deployment which the Rollout refers to. */
async function writeTemplate(
  { client, namespace }: Cluster,
  rollout: Rollout,
  images: ReadonlyMap<string, string>,
): Promise<KubernetesObject> {
  const referred = rollout.spec.workloadRef?.name;
  if (referred === undefined) return client.update(resources.rollouts, withImages(rollout, images));
  const deployment = await client.get<Templated>(resources.deployments, namespace, referred);
  return client.update(resources.deployments, withImages(deployment, images));
}

const containerLists = ["initContainers", "containers", "ephemeralContainers"] as const;

interface NamedContainer {
  readonly name: string;
  readonly image?: string;
}

interface Templated extends KubernetesObject {
  readonly spec: {
    readonly template?: {
      readonly spec?: { readonly [List in (typeof containerLists)[number]]?: readonly NamedContainer[] };
    };
  };
}

/** The same object with other images; everything else stays, also fields that are not known here. */
function withImages<T extends Templated>(object: T, images: ReadonlyMap<string, string>): T {
  const podSpec = object.spec.template?.spec ?? {};
  const names = containerLists.flatMap((list) => (podSpec[list] ?? []).map(({ name }) => name));
  for (const container of images.keys()) {
    if (container !== "*" && !names.includes(container))
      throw new CommandError(`unable to find container named "${container}"; there is ${names.join(", ")}`);
  }
  const changed = containerLists.flatMap((list) => {
    const containers = podSpec[list];
    return containers === undefined ? [] : [[list, containers.map((it) => withImage(it, images))]];
  });
  const template = { ...object.spec.template, spec: { ...podSpec, ...Object.fromEntries(changed) } };
  return { ...object, spec: { ...object.spec, template } };
}

function withImage(container: NamedContainer, images: ReadonlyMap<string, string>): NamedContainer {
  const image = images.get(container.name) ?? images.get("*");
  return image === undefined ? container : { ...container, image };
}
