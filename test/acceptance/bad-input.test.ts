import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parse, stringify } from "yaml";
import { freePort, TealProcess, teal } from "./teal-process.ts";

// What people get wrong, through the real commands: each has one clear message with the cause and the way out.
const folder = mkdtempSync(join(tmpdir(), "teal-bad-input-"));
after(() => rmSync(folder, { recursive: true }));

type Fields = Record<string, unknown>;

const rollout = `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: web, image: "docker.io/atulinfracloud/weathersample:v1", ports: [{containerPort: 5000}]}
  strategy:
    blueGreen: {activeService: web, previewService: web-preview, autoPromotionEnabled: false}
`;
const services = ["web", "web-preview", "other", "other-preview", "calm", "calm-preview"]
  .map((name) => {
    const app = name.replace("-preview", "");
    return `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec: {selector: {app: ${app}}, ports: [{port: 80, targetPort: 5000}]}\n`;
  })
  .join("---\n");

/** The Rollout named `name`, changed by `change`, in a file. */
function changed(name: string, change: (spec: Fields) => void): string {
  const manifest = parse(rollout.replaceAll(/\bweb\b/g, name)) as { spec: Fields };
  change(manifest.spec);
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, stringify(manifest));
  return file;
}

function blueGreen(spec: Fields): Fields {
  return (spec["strategy"] as { blueGreen: Fields }).blueGreen;
}

function firstContainer(spec: Fields): Fields {
  const { containers } = (spec["template"] as { spec: { containers: Fields[] } }).spec;
  assert.ok(containers[0] !== undefined);
  return containers[0];
}

async function shownBy(args: readonly string[], wanted: RegExp): Promise<void> {
  const watching = new TealProcess(args, folder);
  await watching.shown(wanted);
  await watching.interrupt();
}

describe("on a cluster that is up", () => {
  before(async () => {
    const up = await teal(folder, "up", "--background", "--port", String(await freePort()));
    assert.equal(up.code, 0, up.error);
    writeFileSync(join(folder, "services.yaml"), services);
    const applied = await teal(folder, "apply", "-f", "services.yaml");
    assert.equal(applied.code, 0, applied.error);
  });
  after(async () => {
    const down = await teal(folder, "down");
    assert.equal(down.code, 0, down.error);
  });

  const refused: readonly [string, (spec: Fields) => void, RegExp][] = [
    ["an unknown field", (spec) => Object.assign(spec, { replcas: 2 }), /unknown field "spec\.replcas"/],
    ["a text for a number", (spec) => Object.assign(spec, { replicas: "two" }), /spec\.replicas/],
  ];
  for (const [name, change, wanted] of refused) {
    it(`refuses a manifest with ${name} and names the field`, async () => {
      const { code, out, error } = await teal(folder, "apply", "-f", changed("web", change));
      assert.equal(code, 1, out);
      assert.match(error, wanted);
      assert.equal(error.trimEnd().split("\n").length, 1, error);
    });
  }

  const invalid: readonly [string, (spec: Fields) => void, RegExp][] = [
    ["replicas -1", (spec) => Object.assign(spec, { replicas: -1 }), /spec\.replicas: Invalid value: -1/],
    [
      "one Service for both roles",
      (spec) => Object.assign(blueGreen(spec), { previewService: "web" }),
      /spec\.strategy\.activeService: .*two different services are required/,
    ],
    [
      "a Service that is not there",
      (spec) => Object.assign(blueGreen(spec), { activeService: "nobody" }),
      /spec\.strategy\.blueGreen\.activeService.*"nobody" not found/,
    ],
    [
      "a selector that does not match its own pods",
      (spec) => Object.assign(spec, { selector: { matchLabels: { app: "another" } } }),
      /spec\.template\.metadata\.labels.*selector/,
    ],
    ["two strategies", (spec) => Object.assign(spec["strategy"] as Fields, { canary: {} }), /spec\.strategy/],
  ];
  for (const [name, change, wanted] of invalid) {
    it(`says which field is wrong of a Rollout with ${name}, and starts nothing`, async () => {
      const applied = await teal(folder, "apply", "-f", changed("web", change));
      if (applied.code === 0) {
        const status = await teal(folder, "status", "web", "--timeout", "30s");
        assert.equal(status.code, 1, status.out);
        assert.match(status.error, /InvalidSpec/);
        assert.match(status.error, wanted);
      } else {
        assert.match(applied.error, wanted);
      }
      assert.match((await teal(folder, "get", "pods")).error, /No resources found/);
      await teal(folder, "delete", "rollout", "web");
    });
  }

  it("says how to give the cluster an image that it does not know, and goes on when it has it", async () => {
    const file = changed("web", (spec) => Object.assign(firstContainer(spec), { image: "shop:v7" }));
    assert.equal((await teal(folder, "apply", "-f", file)).code, 0);
    await shownBy(["get", "pods", "--watch"], /ErrImagePull|ImagePullBackOff/);
    const { out } = await teal(folder, "get", "pods", "-o", "yaml");
    assert.match(out, /teal image add shop:v7 DIR/);
    const weather = join(import.meta.dirname, "../../examples/weather/app/v1");
    assert.equal((await teal(folder, "image", "add", "shop:v7", weather)).code, 0);
    const status = await teal(folder, "status", "web", "--timeout", "60s");
    assert.equal(status.code, 0, status.error);
  });

  it("shows a pod that crashes at its start, while another Rollout goes on", async () => {
    assert.equal(
      (
        await teal(
          folder,
          "apply",
          "-f",
          changed("calm", () => undefined),
        )
      ).code,
      0,
    );
    const image = join(folder, "crash");
    mkdirSync(image);
    const command = ["node", "-e", "console.error('no database'); process.exit(3)"];
    writeFileSync(join(image, "teal-image.json"), JSON.stringify({ command }));
    assert.equal((await teal(folder, "image", "add", "crash:v1", image)).code, 0);
    const file = changed("other", (spec) => Object.assign(firstContainer(spec), { image: "crash:v1" }));
    assert.equal((await teal(folder, "apply", "-f", file)).code, 0);
    await shownBy(["get", "pods", "--watch"], /other-\S+ +0\/1 +(Error|CrashLoopBackOff)/);
    const names = (await teal(folder, "get", "pods", "-o", "name")).out.split("\n");
    const crashing = names.find((name) => name.includes("other-"))?.replace(/^pods?\//, "") ?? "";
    assert.match((await teal(folder, "logs", crashing)).out, /no database/);
    const healthy = await teal(folder, "status", "calm", "--timeout", "30s");
    assert.equal(healthy.code, 0, healthy.error);
    const { out } = await teal(folder, "status", "other", "--watch=false");
    assert.match(out, /Progressing/);
  });

  it("refuses a port that is not one", async () => {
    const { code, error } = await teal(folder, "up", "--port", "70000", "--data", "nowhere");
    assert.equal(code, 1);
    assert.match(error, /--port: must be from 1 to 65535/);
  });
});

describe("without a cluster", () => {
  it("says that the API server cannot be reached, and where it was looked for", async () => {
    const port = await freePort();
    const file = join(folder, "gone");
    const cluster = { server: `http://127.0.0.1:${port}` };
    const kubeconfig = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "gone", cluster }],
      contexts: [{ name: "gone", context: { cluster: "gone" } }],
      "current-context": "gone",
    };
    writeFileSync(file, stringify(kubeconfig));
    for (const line of ["get rollout web", "promote web", "status web", "apply -f services.yaml"]) {
      const { code, error } = await teal(folder, ...line.split(" "), "--kubeconfig", file);
      assert.equal(code, 1, line);
      assert.match(
        error,
        new RegExp(`no answer from the Kubernetes API at http://127.0.0.1:${port}: nothing listens there`),
      );
      assert.equal(error.trimEnd().split("\n").length, 1, error);
    }
  });

  it("does not start on a corrupt data folder, says which line of which file, and changes nothing", async () => {
    const port = String(await freePort());
    const started = await teal(folder, "up", "--background", "--data", "damaged", "--port", port);
    assert.equal(started.code, 0, started.error);
    await teal(folder, "down", "--data", "damaged");
    const log = join(folder, "damaged/store/log.jsonl");
    const lines = readFileSync(log, "utf8").split("\n");
    lines[2] = '{"version": 2, "coll';
    writeFileSync(log, lines.join("\n"));
    for (const how of [[], ["--background"]]) {
      const { code, error } = await teal(folder, "up", "--data", "damaged", ...how);
      assert.equal(code, 1);
      assert.match(
        error,
        /cannot read the cluster's data: .*log\.jsonl, line 3: .*Nothing was changed\. Restore the folder/,
      );
    }
    assert.equal(readFileSync(log, "utf8"), lines.join("\n"));
  });

  it("names the file when cluster.json is damaged", async () => {
    mkdirSync(join(folder, "odd"));
    writeFileSync(join(folder, "odd/cluster.json"), "{");
    const { code, error } = await teal(folder, "up", "--data", "odd");
    assert.equal(code, 1);
    assert.match(error, /odd\/cluster\.json is damaged .*: delete this file and start the cluster again/);
  });

  it("does not overwrite a file that is no kubeconfig", async () => {
    const file = join(folder, "precious");
    writeFileSync(file, "my: notes\n");
    const port = String(await freePort());
    const { code, error } = await teal(folder, "up", "--data", "fresh", "--port", port, "--kubeconfig", file);
    assert.equal(code, 1);
    assert.match(error, /precious is no kubeconfig and is left as it is .*name another file/);
    assert.equal(readFileSync(file, "utf8"), "my: notes\n");
    assert.ok(!existsSync(join(folder, "fresh")));
  });
});
