import type { KubernetesObject } from "../../api/core.ts";
import { resources } from "../../api/resources.ts";
import type { Rollout } from "../../api/rollout.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { type Templated, withImages } from "../../view/requests/set-image.ts";
import { any, type Cluster, verb } from "../command.ts";
import { UsageError } from "../errors.ts";
import { readRollout, refusalOf } from "../rollout-requests.ts";

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
  const resource = referred === undefined ? resources.rollouts : resources.deployments;
  const holder: Templated =
    referred === undefined
      ? rollout
      : await client.get<Templated>(resources.deployments, namespace, referred);
  const answer = withImages(holder, images);
  if (answer.is === "refused") throw refusalOf(answer);
  return client.update(resource, answer.object);
}
