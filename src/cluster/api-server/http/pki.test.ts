import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { lstat, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parse } from "yaml";
import { instant, later } from "../../../time/clock.ts";
import { contextName, writeKubeconfig } from "./kubeconfig.ts";
import { loadPki } from "./pki.ts";

const now = instant(Date.parse("2026-11-21T12:00:00Z"));
const year = 365 * 24 * 60 * 60;
let folder = "";

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "teal-pki-"));
});
after(() => rm(folder, { recursive: true }));

describe("loadPki", () => {
  it("makes a server certificate that its own authority vouches for, and keeps everything to the owner", async () => {
    const pki = await loadPki(join(folder, "new"), now);
    const server = new X509Certificate(pki.certificate);
    assert.ok(server.verify(new X509Certificate(pki.authority).publicKey));
    assert.equal(server.checkIP("127.0.0.1"), "127.0.0.1");
    assert.equal(server.checkHost("localhost"), "localhost");
    assert.match(pki.token, /^[0-9a-f]{64}$/);
    assert.equal((await stat(join(folder, "new"))).mode & 0o777, 0o700);
    for (const file of ["token", "server.key"])
      assert.equal((await stat(join(folder, "new", file))).mode & 0o777, 0o600);
  });

  it("uses again what is there", async () => {
    const first = await loadPki(join(folder, "kept"), now);
    assert.deepEqual(await loadPki(join(folder, "kept"), later(now, 9 * year)), first);
  });

  it("replaces certificates that are about to run out, but not the token", async () => {
    const first = await loadPki(join(folder, "old"), now);
    const second = await loadPki(join(folder, "old"), later(now, 10 * year - 60));
    assert.notEqual(second.certificate, first.certificate);
    assert.equal(second.token, first.token);
  });

  it("replaces what is damaged or does not belong together", async () => {
    const path = join(folder, "damaged");
    const first = await loadPki(path, now);
    await writeFile(join(path, "server.crt"), first.certificate.slice(0, 100));
    await writeFile(join(path, "token"), "short");
    const second = await loadPki(path, now);
    assert.notEqual(second.token, first.token);
    const other = await loadPki(join(folder, "other"), now);
    await writeFile(join(path, "ca.crt"), other.authority);
    const third = await loadPki(path, now);
    assert.ok(new X509Certificate(third.certificate).verify(new X509Certificate(third.authority).publicKey));
  });
});

describe("writeKubeconfig", () => {
  const server = "https://127.0.0.1:7443";

  it("names server, authority and token, for the owner only", async () => {
    const pki = await loadPki(join(folder, "new"), now);
    const file = join(folder, "below", "kubeconfig");
    await writeKubeconfig(file, server, pki);
    const config = JSON.parse(await readFile(file, "utf8"));
    assert.equal(config["current-context"], contextName);
    assert.deepEqual(config.users, [{ name: contextName, user: { token: pki.token } }]);
    assert.equal(config.clusters[0].cluster.server, server);
    assert.equal(
      Buffer.from(config.clusters[0].cluster["certificate-authority-data"], "base64").toString(),
      pki.authority,
    );
    assert.equal((await stat(file)).mode & 0o777, 0o600);
  });

  it("writes what a link leads to", async () => {
    const pki = await loadPki(join(folder, "new"), now);
    const [file, link] = [join(folder, "elsewhere"), join(folder, "link")];
    await writeFile(file, "");
    await symlink(file, link);
    await writeKubeconfig(link, server, pki);
    assert.ok((await lstat(link)).isSymbolicLink());
    assert.equal(parse(await readFile(file, "utf8"))["current-context"], contextName);
  });

  it("keeps other clusters in the file and replaces its own", async () => {
    const pki = await loadPki(join(folder, "new"), now);
    const file = join(folder, "shared");
    await writeFile(
      file,
      "apiVersion: v1\nkind: Config\ncurrent-context: work\nclusters:\n- name: work\n  cluster: {server: x}\n- name: teal\n  cluster: {server: y}\n",
    );
    await writeKubeconfig(file, server, pki);
    const text = await readFile(file, "utf8");
    assert.match(text, /^apiVersion: v1$/m, "what was YAML stays YAML");
    const config = parse(text);
    const clusters = config.clusters.map(
      ({ name, cluster }: { name: string; cluster: { server: string } }) => `${name} ${cluster.server}`,
    );
    assert.deepEqual(clusters, ["work x", `teal ${server}`]);
  });

  it("leaves everything else as it is written there", async () => {
    const pki = await loadPki(join(folder, "new"), now);
    const file = join(folder, "by-hand");
    await writeFile(file, byHand);
    await writeKubeconfig(file, server, pki);
    const lines = (await readFile(file, "utf8")).split("\n");
    const before = byHand.split("\n");
    assert.deepEqual(
      before.filter((line) => !lines.includes(line)),
      [
        "    server: https://old # of old",
        "    insecure-skip-tls-verify: true",
        "current-context: work # mine",
      ],
    );
    const added = lines.filter((line) => !before.includes(line));
    assert.deepEqual(
      added.map((line) => line.replace(/[\w=+/]{60,}/, "…")),
      [
        `    server: ${server} # of old`,
        "    certificate-authority-data: …",
        "current-context: teal # mine",
        '    token: "…"',
      ],
    );
    const once = await readFile(file, "utf8");
    await writeKubeconfig(file, server, pki);
    assert.equal(await readFile(file, "utf8"), once, "written again it is the same");
  });

  it("writes JSON into a file of JSON", async () => {
    const pki = await loadPki(join(folder, "new"), now);
    const file = join(folder, "json");
    await writeFile(file, '{"kind": "Config", "clusters": [{"name": "a", "cluster": {}}], "users": null}');
    await writeKubeconfig(file, server, pki);
    const config = JSON.parse(await readFile(file, "utf8"));
    assert.deepEqual([config.clusters.length, config.users[0].user.token], [2, pki.token]);
  });

  it("writes what a link will lead to", async () => {
    const pki = await loadPki(join(folder, "new"), now);
    const [file, link] = [join(folder, "not-yet"), join(folder, "dangling")];
    await symlink("not-yet", link);
    await writeKubeconfig(link, server, pki);
    assert.ok((await lstat(link)).isSymbolicLink());
    assert.equal(parse(await readFile(file, "utf8"))["current-context"], contextName);
  });

  for (const [what, text] of [
    ["is something else", "hello\n"],
    ["is of another kind", "kind: Pod\n"],
    ["does not say what it is", "services: {}\n"],
    ["cannot be read", "clusters: [\n"],
    ["has two documents", "kind: Config\n---\nkind: Config\n"],
    ["has a list that is none", "kind: Config\nusers: {}\n"],
  ] as const) {
    it(`leaves a file alone that ${what}`, async () => {
      const pki = await loadPki(join(folder, "new"), now);
      const file = join(folder, "letter");
      await writeFile(file, text);
      await assert.rejects(
        writeKubeconfig(file, server, pki),
        /letter is no kubeconfig and is left as it is/,
      );
      assert.equal(await readFile(file, "utf8"), text);
    });
  }
});

const byHand = `# my clusters
apiVersion: v1
kind: Config
# the one at work
clusters:
- name: work # trailing
  cluster:
    server: "https://work"
    certificate-authority: '/x/y'
    x-unknown: [1, 2]
# of a laptop
- cluster:
    server: https://old # of old
    insecure-skip-tls-verify: true
  name: teal
contexts:
- context: {cluster: work, user: w}
  name: work
- name: teal
  context:
    cluster: teal
    user: teal
    namespace: mine # set with kubectl
current-context: work # mine
users:
- &w
  name: w
  user:
    password: 00123
    token: 1e3
    exec:
      args: [--x, "yes", no, 0x10, 12345678901234567890]
      command: |
        two
        lines
- name: w2
  user: *w
# the end
`;
