// Plays random stories of several managers who create, update, patch and apply the same objects, on a real API server and on the
// embedded one, and prints where they differ. Run by hand:
//   node tools/record-ownership.ts --kubeconfig FILE [--seeds 100] [--first 1] [--write]
// `--write` keeps the real server's answers in src/cluster/api-server/recorded/data/ownership.json, for `npm test`.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { startApi } from "../src/cluster/api-server/api-server.fixture.ts";
import { type Fields, fieldsOf, isFields, withFields } from "../src/cluster/api-server/json.ts";
import {
  comparable,
  type OwnershipStep,
  type OwnershipStory,
  storyDefinition,
} from "../src/cluster/api-server/recorded/ownership-story.fixture.ts";
import { transportFor } from "../src/kubernetes/kubeconfig.ts";
import type { ApiRequest, Transport } from "../src/kubernetes/transport.ts";

const { values } = parseArgs({
  options: {
    kubeconfig: { type: "string" },
    seeds: { type: "string", default: "100" },
    first: { type: "string", default: "1" },
    write: { type: "boolean", default: false },
  },
});

type Random = () => number;

// A small generator of its own, so that a seed means the same story everywhere.
function randomOf(seed: number): Random {
  let state = seed * 2654435761;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Chooser {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  of<T>(...options: readonly [T, ...T[]]): T {
    return options[Math.floor(this.#random() * options.length)] ?? options[0];
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  /** Some of these fields. */
  some(fields: Fields, share = 0.5): Fields {
    return Object.fromEntries(Object.entries(fields).filter(() => this.chance(share)));
  }
}

interface StoryKind {
  readonly path: string;
  readonly type: Fields;
  readonly hasStatus: boolean;
  /** An object that is valid by itself, with some of its fields at random. */
  whole(choose: Chooser): Fields;
  /** A part of an object, as a merge patch or an apply has it. */
  part(choose: Chooser): Fields;
  status?(choose: Chooser): Fields;
}

const metadataPart = (choose: Chooser): Fields =>
  choose.some({
    labels: choose.some({ a: choose.of("1", "2"), b: choose.of("1", "2"), c: "3" }),
    annotations: choose.some({ "x.io/a": choose.of("1", "2"), "x.io/b": "1" }),
  });

const containerPart = (choose: Chooser, name: string): Fields => ({
  name,
  image: choose.of("web:1", "web:2"),
  ...choose.some(
    {
      ports: [
        {
          containerPort: choose.of(80, 81),
          ...choose.some({ name: "http", protocol: choose.of("TCP", "UDP") }),
        },
      ],
      env: [
        { name: "A", value: choose.of("1", "2") },
        { name: "B", value: "1" },
      ],
      args: [choose.of("x", "y"), "z"],
      resources: { limits: choose.some({ cpu: choose.of("1", "500m", "0.5"), memory: "64Mi" }) },
      readinessProbe: { tcpSocket: { port: choose.of(80, 81) } },
    },
    0.35,
  ),
});

const kinds: Readonly<Record<string, StoryKind>> = {
  deployment: {
    path: "/apis/apps/v1/namespaces/default/deployments",
    type: { apiVersion: "apps/v1", kind: "Deployment" },
    hasStatus: true,
    whole: (choose) => ({
      metadata: metadataPart(choose),
      spec: {
        replicas: 0,
        ...choose.some({ paused: true, minReadySeconds: choose.of(0, 5), revisionHistoryLimit: 3 }, 0.3),
        ...choose.some({
          strategy: { rollingUpdate: choose.some({ maxSurge: choose.of(1, 2), maxUnavailable: 1 }) },
        }),
        selector: { matchLabels: { app: "web" } },
        template: {
          metadata: { labels: { app: "web", ...choose.some({ more: choose.of("1", "2") }) } },
          spec: {
            containers: [
              containerPart(choose, "web"),
              ...(choose.chance(0.3) ? [containerPart(choose, "side")] : []),
            ],
            ...choose.some(
              { terminationGracePeriodSeconds: choose.of(5, 30), nodeSelector: { disk: "ssd" } },
              0.3,
            ),
            ...choose.some(
              { volumes: [{ name: "v", emptyDir: {} }], tolerations: [{ key: "k", operator: "Exists" }] },
              0.3,
            ),
          },
        },
      },
    }),
    part: (choose) => ({
      ...choose.some({ metadata: metadataPart(choose) }),
      spec: choose.some(
        {
          replicas: choose.of(0, 0, 1),
          minReadySeconds: choose.of(1, 2),
          template: {
            ...choose.some({ metadata: { annotations: { "x.io/t": choose.of("1", "2") } } }),
            spec: { containers: [containerPart(choose, choose.of("web", "web", "side"))] },
          },
        },
        0.6,
      ),
    }),
    status: (choose) => ({
      status: choose.some({ observedGeneration: choose.of(1, 2), replicas: choose.of(1, 2) }, 0.8),
    }),
  },
  service: {
    path: "/api/v1/namespaces/default/services",
    type: { apiVersion: "v1", kind: "Service" },
    hasStatus: true,
    whole: (choose) => ({
      metadata: metadataPart(choose),
      spec: {
        ports: [
          {
            name: "http",
            port: 80,
            ...choose.some({ targetPort: choose.of<string | number>("http", 8080), protocol: "TCP" }),
          },
          ...(choose.chance(0.4) ? [{ name: "dns", port: choose.of(80, 53), protocol: "UDP" }] : []),
        ],
        ...choose.some({ selector: choose.some({ app: choose.of("a", "b"), tier: "x" }) }, 0.8),
        ...choose.some({ type: choose.of("ClusterIP", "NodePort"), sessionAffinity: "ClientIP" }, 0.3),
      },
    }),
    part: (choose) => ({
      ...choose.some({ metadata: metadataPart(choose) }),
      spec: choose.some({
        selector: { app: choose.of("a", "b", "c") },
        ports: [{ name: "http", port: 80, targetPort: choose.of(1, 2) }],
        publishNotReadyAddresses: true,
      }),
    }),
  },
  configMap: {
    path: "/api/v1/namespaces/default/configmaps",
    type: { apiVersion: "v1", kind: "ConfigMap" },
    hasStatus: false,
    whole: (choose) => ({
      metadata: {
        ...metadataPart(choose),
        ...choose.some({ finalizers: choose.chance(0.5) ? ["x.io/a", "x.io/b"] : ["x.io/a"] }, 0.3),
      },
      data: choose.some({ a: choose.of("1", "2"), b: choose.of("1", "2"), c: "3" }),
      ...choose.some({ binaryData: { z: "AAAA" } }, 0.2),
    }),
    part: (choose) => ({
      ...choose.some({ metadata: metadataPart(choose) }),
      data: choose.some({ a: choose.of("1", "2", "3"), b: choose.of("1", "2"), d: "4" }),
    }),
  },
  owned: {
    path: "/apis/example.com/v1/namespaces/default/owneds",
    type: { apiVersion: "example.com/v1", kind: "Owned" },
    hasStatus: true,
    whole: (choose) => ({
      metadata: metadataPart(choose),
      spec: ownedSpec(choose),
      ...choose.some({ status: { ready: 1 } }, 0.2),
    }),
    part: (choose) => ({ ...choose.some({ metadata: metadataPart(choose) }), spec: ownedSpec(choose) }),
    status: (choose) => ({
      ...choose.some({ metadata: metadataPart(choose), spec: { size: 9 } }, 0.2),
      status: choose.some({ ready: choose.of(1, 2), note: choose.of("x", "y") }),
    }),
  },
};

function ownedSpec(choose: Chooser): Fields {
  return choose.some({
    size: choose.of(1, 2),
    color: choose.of("blue", "red"),
    labels: choose.some({ a: choose.of("1", "2"), b: "1" }),
    whole: choose.some({ a: choose.of("1", "2"), b: "1" }),
    list: choose.of(["a"], ["a", "b"], ["b"]),
    set: choose.of(["a"], ["a", "b"], ["c", "a"], ["b", "c"]),
    parts: [
      {
        name: choose.of("p", "q"),
        ...choose.some({ port: choose.of(1, 2), protocol: choose.of("TCP", "UDP") }),
      },
      {
        name: "r",
        ...choose.some({ port: choose.of(1, 2), tags: choose.some({ a: choose.of("1", "2"), b: "1" }) }),
      },
    ],
    open: { z: 1, ...choose.some({ a: choose.of(1, 2), b: { c: choose.of(1, 2), d: [1] }, e: "x" }) },
  });
}

const merge = "application/merge-patch+json";
const apply = "application/apply-patch+yaml";

/** The next request of a story, given what the object is now; undefined where there is none yet. */
function nextRequest(
  choose: Chooser,
  kind: StoryKind,
  name: string,
  now: Fields | undefined,
): OwnershipStep["request"] {
  const path = `${kind.path}/${name}`;
  const named = (content: Fields): Fields => ({
    ...kind.type,
    ...content,
    metadata: { name, ...fieldsOf(content.metadata) },
  });
  const applied = (): OwnershipStep["request"] => ({
    method: "PATCH",
    path,
    query: {
      fieldManager: choose.of("one", "two", "kubectl"),
      ...(choose.chance(0.4) ? { force: "true" } : {}),
    },
    body: named(choose.chance(0.7) || now === undefined ? kind.whole(choose) : kind.part(choose)),
    contentType: apply,
  });
  const updater = { fieldManager: choose.of("one", "three", "four") };
  if (now === undefined) {
    if (choose.chance(0.5)) return applied();
    return { method: "POST", path: kind.path, query: updater, body: named(kind.whole(choose)) };
  }
  const act = choose.of("apply", "apply", "apply", "merge", "merge", "put", "status", "strategic", "reset");
  switch (act) {
    case "apply":
      return applied();
    case "merge":
      return { method: "PATCH", path, query: updater, body: kind.part(choose), contentType: merge };
    case "strategic": {
      const contentType = kind.type.kind === "Owned" ? merge : "application/strategic-merge-patch+json";
      return { method: "PATCH", path, query: updater, body: kind.part(choose), contentType };
    }
    case "put": {
      const { labels, annotations, ...metadata } = fieldsOf(now.metadata);
      const content = kind.whole(choose);
      const { spec: sentSpec, ...rest } = content;
      // Each server gives addresses of its own.
      const { clusterIP: _address, clusterIPs: _addresses, ...before } = fieldsOf(now.spec);
      const spec = { ...before, ...fieldsOf(sentSpec) };
      const body = {
        ...now,
        ...rest,
        ...(isFields(sentSpec) ? { spec } : {}),
        metadata: withFields(
          { ...metadata, labels, annotations, ...fieldsOf(content.metadata) },
          { resourceVersion: "<rv>", uid: undefined, creationTimestamp: undefined },
        ),
      };
      return { method: "PUT", path, query: updater, body };
    }
    case "status": {
      const status = kind.status?.(choose);
      if (status === undefined) return applied();
      if (choose.chance(0.5))
        return { method: "PATCH", path: `${path}/status`, query: updater, body: status, contentType: merge };
      const query = {
        fieldManager: choose.of("one", "five"),
        ...(choose.chance(0.5) ? { force: "true" } : {}),
      };
      return { method: "PATCH", path: `${path}/status`, query, body: named(status), contentType: apply };
    }
    case "reset": {
      if (choose.chance(0.6)) return applied();
      const managedFields = choose.chance(0.5) ? [{}] : [];
      return {
        method: "PATCH",
        path,
        query: updater,
        body: { metadata: { managedFields } },
        contentType: merge,
      };
    }
  }
}

/** A request with the version that the object has on this server. */
function current(request: OwnershipStep["request"], now: Fields | undefined): ApiRequest {
  const body = fieldsOf(request.body);
  const metadata = fieldsOf(body.metadata);
  if (metadata.resourceVersion !== "<rv>") return request;
  const { resourceVersion } = fieldsOf(now?.metadata);
  return { ...request, body: { ...body, metadata: { ...metadata, resourceVersion } } };
}

async function play(real: Transport, seed: number): Promise<{ story: OwnershipStory; differences: number }> {
  const choose = new Chooser(randomOf(seed));
  const kind = kinds[choose.of("deployment", "service", "configMap", "owned")];
  if (kind === undefined) throw new Error("no such kind");
  const name = `story-${seed}`;
  const own = startApi();
  await own.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", storyDefinition);
  const steps: OwnershipStep[] = [];
  let differences = 0;
  let [there, here]: (Fields | undefined)[] = [];
  const path = `${kind.path}/${name}`;
  await real.request({ method: "PATCH", path, body: { metadata: { finalizers: null } }, contentType: merge });
  await real.request({ method: "DELETE", path });
  for (let count = 0; count < 10; count += 1) {
    const request = nextRequest(choose, kind, name, there);
    const answer = await real.request(current(request, there));
    const mine = await own.api.request(current(request, here));
    const [wanted, found] = [comparable(answer), comparable(mine)];
    steps.push({ request, code: answer.code, answer: wanted });
    if (answer.code !== mine.code || !isDeepStrictEqual(wanted, found)) {
      differences += 1;
      console.log(
        `seed ${seed} step ${count}: ${request.method} ${request.path} ${JSON.stringify(request.query)} ${request.contentType}`,
      );
      console.log(`  sent   ${JSON.stringify(request.body)}`);
      console.log(`  real   ${answer.code} ${JSON.stringify(wanted)}`);
      console.log(`  before ${JSON.stringify(there)}`);
      console.log(`  ours   ${mine.code} ${JSON.stringify(found)}`);
      break;
    }
    if (answer.code < 300) [there, here] = [fieldsOf(answer.body), fieldsOf(mine.body)];
  }
  await real.request({ method: "PATCH", path, body: { metadata: { finalizers: null } }, contentType: merge });
  await real.request({ method: "DELETE", path });
  return { story: { seed, steps }, differences };
}

const { transport } = transportFor(values.kubeconfig === undefined ? {} : { kubeconfig: values.kubeconfig });
await transport.request({
  method: "POST",
  path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
  body: storyDefinition,
});
const stories: OwnershipStory[] = [];
let differing = 0;
const first = Number(values.first);
for (let seed = first; seed < first + Number(values.seeds); seed += 1) {
  const { story, differences } = await play(transport, seed);
  stories.push(story);
  if (differences > 0) differing += 1;
}
console.log(`${stories.length} stories, ${differing} differ`);
if (values.write) {
  const file = join(import.meta.dirname, "../src/cluster/api-server/recorded/data/ownership.json");
  writeFileSync(file, `[\n${stories.map((story) => JSON.stringify(story)).join(",\n")}\n]\n`);
}
process.exit(0);
