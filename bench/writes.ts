// Processor time of one write on the API server, without HTTP and without a disk: what reading, defaults, validation, ownership
// of fields and patches cost. Run with `node bench/writes.ts`; takes about ten seconds. `--root FOLDER` measures another
// checkout of Teal, for a comparison; run them one after the other a few times.
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { root: { type: "string", default: join(import.meta.dirname, "..") } },
});
const root = resolve(values.root);
const at = (path: string): string => pathToFileURL(join(root, "src/cluster", path)).href;
const { startApi } = await import(at("api-server/api-server.fixture.ts"));

const configMaps = "/api/v1/namespaces/default/configmaps";
const deployments = "/apis/apps/v1/namespaces/default/deployments";
const widgets = "/apis/example.com/v1/namespaces/default/widgets";
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

const configMap = (name: string, text: string): object => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, labels: { app: "bench" } },
  data: { text, more: "text" },
});

const deployment = (name: string, image: string): object => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, labels: { app: "bench" } },
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: "bench" } },
    template: {
      metadata: { labels: { app: "bench" } },
      spec: {
        containers: [
          {
            name: "web",
            image,
            ports: [{ name: "http", containerPort: 8080 }],
            env: [
              { name: "A", value: "1" },
              { name: "B", value: "2" },
            ],
            resources: { limits: { cpu: "1", memory: "128Mi" }, requests: { cpu: "100m", memory: "64Mi" } },
            readinessProbe: { httpGet: { path: "/ready", port: "http" } },
          },
        ],
      },
    },
  },
});

const widget = (name: string, size: number): object => ({
  apiVersion: "example.com/v1",
  kind: "Widget",
  metadata: { name },
  spec: { size, parts: [{ name: "a", text: "x" }], labels: { a: "b" } },
});

const text = { type: "string" };
const definition = {
  metadata: { name: "widgets.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: "widgets", kind: "Widget" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                properties: {
                  size: { type: "integer", minimum: 0 },
                  color: { ...text, default: "blue" },
                  parts: {
                    type: "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    items: { type: "object", required: ["name"], properties: { name: text, text } },
                  },
                  labels: { type: "object", additionalProperties: text },
                },
              },
            },
          },
        },
        subresources: { status: {} },
      },
    ],
  },
};

const merge = "application/merge-patch+json";
const rounds = 7;
const writes = 2000;
const api = startApi();
await api.post(definitions, definition);

/** Microseconds of processor time for one write: the median of some rounds, after one to warm up. */
async function measure(name: string, write: (round: number, index: number) => Promise<{ code: number }>) {
  const results: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const began = process.cpuUsage();
    for (let index = 0; index < writes; index += 1) {
      const { code } = await write(round, index);
      if (code >= 300) throw new Error(`${name}: ${code}`);
    }
    const { user, system } = process.cpuUsage(began);
    if (round > 0) results.push((user + system) / writes);
  }
  const median = results.toSorted((a, b) => a - b)[Math.floor(rounds / 2)];
  console.log(`${name.padEnd(40)} ${median?.toFixed(1)} µs`);
}

await measure("create a ConfigMap", (round, index) =>
  api.post(configMaps, configMap(`c${round}-${index}`, "x")),
);
await measure("update a ConfigMap", (round, index) =>
  api.put(`${configMaps}/c0-${index % 100}`, configMap(`c0-${index % 100}`, `${round}-${index}`)),
);
await measure("merge patch of a ConfigMap", (round, index) =>
  api.patch(`${configMaps}/c0-${index % 100}`, { data: { text: `p${round}-${index}` } }, merge),
);
await measure("create a Deployment", (round, index) =>
  api.post(deployments, deployment(`d${round}-${index}`, "web:1")),
);
await measure("update a Deployment", (round, index) =>
  api.put(`${deployments}/d0-${index % 100}`, deployment(`d0-${index % 100}`, `web:${round}-${index}`)),
);
await measure("merge patch of a Deployment", (round, index) =>
  api.patch(
    `${deployments}/d0-${index % 100}`,
    { spec: { replicas: (round * writes + index) % 1000 } },
    merge,
  ),
);
await measure("status patch of a Deployment", (round, index) =>
  api.patch(
    `${deployments}/d0-${index % 100}/status`,
    { status: { replicas: round * writes + index } },
    merge,
  ),
);
await measure("create a custom object", (round, index) => api.post(widgets, widget(`w${round}-${index}`, 1)));
await measure("merge patch of a custom object", (round, index) =>
  api.patch(`${widgets}/w0-${index % 100}`, { spec: { size: round * writes + index } }, merge),
);
process.exit(0);
