import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { formatTime, later } from "../time/clock.ts";
import { ManualClock } from "../time/manual-clock.ts";
import { transportFor } from "./kubeconfig.ts";

let folder = "";
let address = "";
let seen: IncomingHttpHeaders = {};
const server = createServer((request, response) => {
  seen = request.headers;
  response.writeHead(200, { "content-type": "application/json", connection: "close" }).end("{}");
});

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "kubeconfig-"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

after(async () => {
  rmSync(folder, { recursive: true });
  server.close();
  await once(server, "close");
});

function write(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

interface Parts {
  readonly cluster?: object;
  readonly user?: object;
  readonly context?: object;
}

function configOf({ cluster = {}, user = {}, context = {} }: Parts): object {
  return {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "here",
    clusters: [{ name: "local", cluster: { server: address, ...cluster } }],
    users: [{ name: "me", user }],
    contexts: [{ name: "here", context: { cluster: "local", user: "me", ...context } }],
  };
}

/** The headers that a request with this kubeconfig has. */
async function headersWith(kubeconfig: string, clock = new ManualClock()): Promise<IncomingHttpHeaders> {
  const { transport } = transportFor({ kubeconfig, clock, env: {}, stderr: () => {} });
  await transport.request({ method: "GET", path: "/version" });
  transport.close();
  return seen;
}

describe("transportFor", () => {
  test("takes server, namespace and token of the current context", async () => {
    const kubeconfig = write("plain", configOf({ user: { token: "t1" }, context: { namespace: "shop" } }));
    const { server: found, namespace, context } = transportFor({ kubeconfig, env: {} });
    assert.deepEqual({ found, namespace, context }, { found: address, namespace: "shop", context: "here" });
    assert.equal((await headersWith(kubeconfig)).authorization, "Bearer t1");
  });

  test("means the namespace default when the context names none", () => {
    assert.equal(transportFor({ kubeconfig: write("n", configOf({})), env: {} }).namespace, "default");
  });

  test("knows user name and password", async () => {
    const kubeconfig = write("basic", configOf({ user: { username: "me", password: "secret" } }));
    assert.equal((await headersWith(kubeconfig)).authorization, `Basic ${btoa("me:secret")}`);
  });

  test("reads a token file relative to the kubeconfig, and again after a minute", async () => {
    write("token", "first\n");
    const kubeconfig = write("with-token-file", configOf({ user: { tokenFile: "token" } }));
    const clock = new ManualClock();
    const { transport } = transportFor({ kubeconfig, clock, env: {} });
    const ask = async (): Promise<string | undefined> => {
      await transport.request({ method: "GET", path: "/version" });
      return seen.authorization;
    };
    assert.equal(await ask(), "Bearer first");
    write("token", "second\n");
    assert.equal(await ask(), "Bearer first");
    await clock.advance(60);
    assert.equal(await ask(), "Bearer second");
    transport.close();
  });

  test("merges the files of KUBECONFIG, the first one wins, missing ones do not matter", () => {
    const first = write("first", {
      "current-context": "here",
      contexts: [{ name: "here", context: { cluster: "local", namespace: "one" } }],
    });
    const second = write("second", configOf({ context: { namespace: "two" } }));
    const KUBECONFIG = [first, join(folder, "missing"), second].join(delimiter);
    const { namespace, server: found } = transportFor({ env: { KUBECONFIG } });
    assert.deepEqual([namespace, found], ["one", address]);
  });

  test("runs a credential plugin, keeps its answer until it expires, then runs it again", async () => {
    const clock = new ManualClock();
    const expirationTimestamp = formatTime(later(clock.now(), 600));
    const plugin = write(
      "plugin",
      `#!/bin/sh
echo run >> "$RUNS"
count=$(wc -l < "$RUNS" | tr -d ' ')
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"'$1-$count'","expirationTimestamp":"${expirationTimestamp}"}}'
`,
    );
    chmodSync(plugin, 0o755);
    const exec = {
      apiVersion: "client.authentication.k8s.io/v1",
      command: "./plugin",
      args: ["eks"],
      env: [{ name: "RUNS", value: join(folder, "runs") }],
      provideClusterInfo: true,
    };
    const kubeconfig = write("with-exec", configOf({ user: { exec } }));
    const { transport } = transportFor({ kubeconfig, clock, env: {} });
    const ask = async (): Promise<string | undefined> => {
      await transport.request({ method: "GET", path: "/version" });
      return seen.authorization;
    };
    assert.equal(await ask(), "Bearer eks-1");
    assert.equal(await ask(), "Bearer eks-1");
    await clock.advance(580);
    assert.equal(await ask(), "Bearer eks-2");
    transport.close();
  });

  test("says which credential plugin is missing, or why it failed", async () => {
    const exec = {
      apiVersion: "client.authentication.k8s.io/v1beta1",
      command: "no-such-plugin",
      installHint: "Install it.",
    };
    await assert.rejects(
      headersWith(write("missing-plugin", configOf({ user: { exec } }))),
      /credential plugin no-such-plugin is not installed\nInstall it\./,
    );
    const failing = { ...exec, command: "sh", args: ["-c", "echo please log in >&2; exit 1"] };
    await assert.rejects(
      headersWith(write("failing-plugin", configOf({ user: { exec: failing } }))),
      /please log in/,
    );
    const silent = { ...exec, command: "true" };
    await assert.rejects(
      headersWith(write("silent-plugin", configOf({ user: { exec: silent } }))),
      /did not write JSON/,
    );
  });

  test("uses the pod's service account where there is no kubeconfig", () => {
    write("ca.crt", "certificate");
    write("namespace", "shop\n");
    write("token", "t");
    const env = { HOME: folder, KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "6443" };
    const { server: found, namespace, context } = transportFor({ env, serviceAccountFolder: folder });
    assert.deepEqual([found, namespace, context], ["https://[fd00::1]:6443", "shop", undefined]);
    assert.throws(
      () => transportFor({ env, serviceAccountFolder: join(folder, "nowhere") }),
      /nowhere\/ca.crt: this file of the pod's service account cannot be read/,
    );
  });

  const faults: readonly [string, () => unknown, RegExp][] = [
    ["no valid YAML", () => "a: [", /: no valid YAML: /],
    ["clusters that are no list", () => ({ clusters: {} }), /: the document\.clusters has to be a list/],
    ["an entry without a name", () => ({ clusters: [{}] }), /: clusters\[0\]\.name is missing/],
    [
      "no current context",
      () => ({ ...configOf({}), "current-context": "" }),
      /: current-context is not set; use --context with one of: here/,
    ],
    [
      "an unknown context",
      () => ({ ...configOf({}), "current-context": "there" }),
      /: there is no context named there; there are: here/,
    ],
    [
      "an unknown user",
      () => configOf({ context: { user: "you" } }),
      /: there is no user named you; there are: me/,
    ],
    [
      "an unknown cluster",
      () => configOf({ context: { cluster: "x" } }),
      /: there is no cluster named x; there are: local/,
    ],
    [
      "no server",
      () => configOf({ cluster: { server: "" } }),
      /: clusters\[local\]\.cluster\.server is missing/,
    ],
    [
      "a server that is no address",
      () => configOf({ cluster: { server: "localhost:6443" } }),
      /cluster\.server has to be an address like https:\/\/host:6443, not localhost:6443/,
    ],
    [
      "a proxy of an unknown kind",
      () => configOf({ cluster: { "proxy-url": "ftp://p" } }),
      /cluster\.proxy-url has to be an address like http:\/\/proxy:3128, not ftp:\/\/p/,
    ],
    [
      "a missing authority file",
      () => configOf({ cluster: { "certificate-authority": "none.crt" } }),
      /cluster\.certificate-authority names a file that cannot be read: .*none\.crt/,
    ],
    [
      "a certificate without its key",
      () => configOf({ user: { "client-certificate-data": "YQ==" } }),
      /users\[me\]\.user\.client-key is missing/,
    ],
    [
      "an old kind of plugin",
      () =>
        configOf({ user: { exec: { apiVersion: "client.authentication.k8s.io/v1alpha1", command: "x" } } }),
      /user\.exec\.apiVersion client\.authentication\.k8s\.io\/v1alpha1 is not supported/,
    ],
    [
      "a built-in provider",
      () => configOf({ user: { "auth-provider": {} } }),
      /user\.auth-provider is not supported/,
    ],
    [
      "a token of two lines",
      () => configOf({ user: { token: "t1\nt2" } }),
      /user\.token: this token cannot be sent: it has a line break at position 3/,
    ],
    [
      "a truth value in quotes",
      () => configOf({ cluster: { "insecure-skip-tls-verify": "yes" } }),
      /cluster\.insecure-skip-tls-verify has to be true or false/,
    ],
  ];
  for (const [title, content, message] of faults) {
    test(`names file and field of ${title}`, () => {
      const kubeconfig = write("fault", content());
      assert.throws(
        () => transportFor({ kubeconfig, env: {} }),
        (error: unknown) => {
          assert.ok(error instanceof Error);
          assert.ok(error.message.startsWith(kubeconfig), error.message);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  test("says what to do when there is no kubeconfig at all", () => {
    assert.throws(
      () => transportFor({ env: { HOME: folder } }),
      /no kubeconfig found: use --kubeconfig FILE/,
    );
    assert.throws(
      () => transportFor({ env: { KUBECONFIG: "/nowhere/a" } }),
      /KUBECONFIG names no file that exists: \/nowhere\/a/,
    );
    assert.throws(
      () => transportFor({ kubeconfig: "/nowhere/b", env: {} }),
      /^KubeconfigError: \/nowhere\/b: .*does the file exist\?/,
    );
  });
});
