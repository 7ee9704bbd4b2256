// Who asks, over real HTTPS: certificates, tokens, impersonation, and what roles make of them.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { Agent, request as httpsRequest, type RequestOptions } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json, text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { generate } from "selfsigned";
import { addressesOf } from "../../src/cluster/addresses.ts";
import { ApiServer } from "../../src/cluster/api-server/api-server.ts";
import { type HttpServer, start } from "../../src/cluster/api-server/http/http-server.ts";
import { accessOf, loadPki, type Pki } from "../../src/cluster/api-server/http/pki.ts";
import { Store } from "../../src/cluster/store/store.ts";
import { SystemClock } from "../../src/time/system-clock.ts";

const clock = new SystemClock();
const rbac = "/apis/rbac.authorization.k8s.io/v1";
let folder = "";
let pki: Pki;
let api: ApiServer;
let server: HttpServer;
const agents: Agent[] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "teal-access-"));
  pki = await loadPki(folder, clock.now());
  api = new ApiServer({
    store: new Store(),
    clock,
    addresses: addressesOf(194),
    access: accessOf(pki, "rbac"),
  });
  server = await start({ apiServer: api, pki, clock, port: 0, onProblem: (problem) => assert.fail(problem) });
  const owner = { authorization: `Bearer ${pki.token}` };
  for (const [path, body] of made)
    assert.equal((await ask("POST", path, { headers: owner, body })).code, 201, path);
});
after(async () => {
  for (const agent of agents) agent.destroy();
  await server.close();
  api.close();
  await rm(folder, { recursive: true });
});

const subject = (kind: string, name: string) => ({ kind, name });
const bound = (name: string, subjects: readonly object[]) =>
  [
    `${rbac}/clusterrolebindings`,
    { metadata: { name }, roleRef: { kind: "ClusterRole", name }, subjects },
  ] as const;
const impersonate = (apiGroups: string, resource: string, resourceNames?: readonly string[]) => ({
  verbs: ["impersonate"],
  apiGroups: [apiGroups],
  resources: [resource],
  ...(resourceNames === undefined ? {} : { resourceNames }),
});

/** What the tests find there. */
const made: readonly (readonly [path: string, body: object])[] = [
  [
    `${rbac}/clusterroles`,
    {
      metadata: { name: "reader" },
      rules: [{ verbs: ["get", "list", "watch"], apiGroups: [""], resources: ["pods"] }],
    },
  ],
  [
    `${rbac}/clusterroles`,
    {
      metadata: { name: "actor" },
      rules: [
        impersonate("", "users", ["zoe", "system:anonymous"]),
        impersonate("", "groups", ["dev"]),
        impersonate("", "serviceaccounts"),
        impersonate("authentication.k8s.io", "userextras/scopes", ["view"]),
      ],
    },
  ],
  [
    `${rbac}/clusterroles`,
    {
      metadata: { name: "named" },
      rules: [{ verbs: ["*"], apiGroups: [""], resources: ["configmaps"], resourceNames: ["mine"] }],
    },
  ],
  bound("reader", [subject("Group", "readers"), subject("User", "watcher")]),
  bound("actor", [subject("User", "actor")]),
  bound("named", [subject("User", "nina")]),
  ["/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "ci" } }],
];

interface Asked {
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: unknown;
  readonly agent?: Agent;
}

async function ask(method: string, path: string, { headers = {}, body, agent = plain() }: Asked = {}) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const { hostname, port } = new URL(server.url);
  // The path goes out as it is, dots and all.
  const options = {
    method,
    hostname,
    port,
    path,
    agent,
    headers: { "content-type": "application/json", ...headers },
  };
  const request = httpsRequest(options as RequestOptions, resolve).on("error", reject);
  request.end(body === undefined ? undefined : JSON.stringify(body));
  const response = await promise;
  const isJson = String(response.headers["content-type"]).startsWith("application/json");
  const answer = isJson
    ? ((await json(response)) as { readonly message?: string; readonly status?: unknown })
    : {};
  const message = isJson ? (answer.message ?? "") : await text(response);
  return { code: response.statusCode, message, answer };
}

function agentWith(options: object): Agent {
  const agent = new Agent({ ca: pki.authority, keepAlive: true, ...options });
  agents.push(agent);
  return agent;
}

let plainAgent: Agent | undefined;
function plain(): Agent {
  plainAgent ??= agentWith({});
  return plainAgent;
}

/** An agent with a certificate of this name and these groups. */
async function certified(
  names: readonly (readonly [string, string])[],
  ca: { key: string; cert: string },
): Promise<Agent> {
  const subjectOf = names.map(([name, value]) => ({ name, value }));
  const { private: key, cert } = await generate(subjectOf, {
    keyType: "ec",
    algorithm: "sha256",
    ca,
    extensions: [{ name: "extKeyUsage", clientAuth: true }],
  });
  return agentWith({ key, cert });
}

async function authority() {
  return { key: await readFile(join(folder, "ca.key"), "utf8"), cert: pki.authority };
}

const pods = "/api/v1/namespaces/default/pods";
const whoami = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

async function tokenOf(account: string): Promise<string> {
  const path = `/api/v1/namespaces/default/serviceaccounts/${account}/token`;
  const { answer } = await ask("POST", path, { headers: bearer(pki.token), body: {} });
  return (answer.status as { readonly token: string }).token;
}

describe("a client certificate", () => {
  it("names its user and groups", async () => {
    const agent = await certified(
      [
        ["commonName", "rita"],
        ["organizationName", "readers"],
        ["organizationName", "more"],
      ],
      await authority(),
    );
    const { answer } = await ask("POST", whoami, { agent, body: {} });
    const { userInfo } = answer.status as {
      readonly userInfo: { readonly username: string; readonly groups: readonly string[] };
    };
    assert.equal(userInfo.username, "rita");
    assert.deepEqual(userInfo.groups, ["readers", "more", "system:authenticated"]);
    assert.equal((await ask("GET", pods, { agent })).code, 200);
    assert.equal((await ask("DELETE", pods, { agent })).code, 403);
  });

  it("of another authority is refused, whatever it says", async () => {
    const other = await loadPki(join(folder, "other"), clock.now());
    const ca = { key: await readFile(join(folder, "other", "ca.key"), "utf8"), cert: other.authority };
    const agent = await certified(
      [
        ["commonName", "rita"],
        ["organizationName", "system:masters"],
      ],
      ca,
    );
    const { code, message } = await ask("GET", pods, { agent });
    assert.deepEqual([code, message], [401, "Unauthorized"]);
    const withToken = await ask("GET", pods, { agent, headers: bearer(pki.token) });
    assert.equal(withToken.code, 200, "a good token beside it is enough");
  });

  it("of the server is none for clients", async () => {
    const agent = agentWith({ key: pki.key, cert: pki.certificate });
    assert.equal((await ask("GET", pods, { agent })).code, 401);
  });
});

describe("a token", () => {
  it("of an account acts as the account", async () => {
    const headers = bearer(await tokenOf("ci"));
    const { code, message } = await ask("GET", pods, { headers });
    assert.equal(code, 403);
    assert.equal(
      message,
      'pods is forbidden: User "system:serviceaccount:default:ci" cannot list resource "pods" in API group "" in the namespace "default"',
    );
  });

  for (const [says, authorization] of [
    ["that is wrong", "Bearer abc"],
    ["that has the form of one", "Bearer e30.e30.e30"],
  ] as const)
    it(`${says} is refused, even where everybody may ask`, async () => {
      for (const path of [pods, "/version"])
        assert.deepEqual((await ask("GET", path, { headers: { authorization } })).code, 401, path);
    });

  it("that is none leaves its sender anonymous", async () => {
    for (const headers of [{}, { authorization: "Basic YTpi" }, { authorization: "Bearer" }]) {
      const { code, message } = await ask("GET", pods, { headers });
      assert.equal(code, 403);
      assert.match(message, /^pods is forbidden: User "system:anonymous" cannot list/);
      assert.equal((await ask("GET", "/version", { headers })).code, 200);
      assert.equal((await ask("GET", "/api", { headers })).code, 403);
    }
  });
});

describe("who wants to be somebody else", () => {
  const cases: readonly (readonly [
    headers: Readonly<Record<string, string | readonly string[]>>,
    refused: string | undefined,
  ])[] = [
    [{ "Impersonate-User": "zoe" }, undefined],
    [{ "Impersonate-User": "zoe", "Impersonate-Group": "dev" }, undefined],
    [{ "Impersonate-User": "zoe", "Impersonate-Extra-Scopes": "view" }, undefined],
    [{ "Impersonate-User": "system:serviceaccount:default:ci" }, undefined],
    [
      { "Impersonate-User": "root" },
      'users "root" is forbidden: User "actor" cannot impersonate resource "users" in API group "" at the cluster scope',
    ],
    [
      { "Impersonate-User": "zoe", "Impersonate-Group": "system:masters" },
      'groups "system:masters" is forbidden: User "actor" cannot impersonate resource "groups" in API group "" at the cluster scope',
    ],
    [
      { "Impersonate-User": "zoe", "Impersonate-Group": ["dev", "system:masters"] },
      'groups "system:masters" is forbidden: User "actor" cannot impersonate resource "groups" in API group "" at the cluster scope',
    ],
    [
      { "Impersonate-User": "zoe", "Impersonate-Group": "dev, system:masters" },
      'groups "dev, system:masters" is forbidden: User "actor" cannot impersonate resource "groups" in API group "" at the cluster scope',
    ],
    [
      { "Impersonate-User": "zoe", "Impersonate-Uid": "u" },
      'uids.authentication.k8s.io "u" is forbidden: User "actor" cannot impersonate resource "uids" in API group "authentication.k8s.io" at the cluster scope',
    ],
    [
      { "Impersonate-User": "zoe", "Impersonate-Extra-Scopes": "edit" },
      'userextras.authentication.k8s.io "edit" is forbidden: User "actor" cannot impersonate resource "userextras/scopes" in API group "authentication.k8s.io" at the cluster scope',
    ],
    [
      { "Impersonate-User": "zoe", "Impersonate-Extra-Acme.com%2Fproject": "p" },
      'userextras.authentication.k8s.io "p" is forbidden: User "actor" cannot impersonate resource "userextras/acme.com/project" in API group "authentication.k8s.io" at the cluster scope',
    ],
    [
      { "Impersonate-User": "system:serviceaccount:x:y:z" },
      'users "system:serviceaccount:x:y:z" is forbidden: User "actor" cannot impersonate resource "users" in API group "" at the cluster scope',
    ],
    [
      { "Impersonate-User": "system:anonymous" },
      'selfsubjectreviews.authentication.k8s.io is forbidden: User "system:anonymous" cannot create resource "selfsubjectreviews" in API group "authentication.k8s.io" at the cluster scope',
    ],
  ];
  for (const [headers, refused] of cases)
    it(`may ${refused === undefined ? "" : "not "}be ${JSON.stringify(headers)}`, async () => {
      const agent = await certified([["commonName", "actor"]], await authority());
      const { code, message } = await ask("POST", whoami, { agent, headers, body: {} });
      assert.deepEqual([code, message], refused === undefined ? [201, ""] : [403, refused]);
    });

  it("must say who", async () => {
    const headers = { ...bearer(pki.token), "Impersonate-Group": "system:masters" };
    const { code, message } = await ask("GET", pods, { headers });
    assert.equal(code, 500);
    assert.match(message, /without impersonating a user/);
  });

  it("has the groups of an account, and no more rights than it", async () => {
    const headers = { ...bearer(pki.token), "Impersonate-User": "system:serviceaccount:default:ci" };
    const { answer } = await ask("POST", whoami, { headers, body: {} });
    const { userInfo } = answer.status as { readonly userInfo: { readonly groups: readonly string[] } };
    assert.deepEqual(userInfo.groups, [
      "system:serviceaccounts",
      "system:serviceaccounts:default",
      "system:authenticated",
    ]);
    assert.equal((await ask("GET", pods, { headers })).code, 403);
  });
});

describe("a path that is written otherwise", () => {
  const asZoe = () => ({ ...bearer(pki.token), "Impersonate-User": "zoe" });
  const asWatcher = () => ({ ...bearer(pki.token), "Impersonate-User": "watcher" });
  for (const path of [
    "//api/v1/namespaces/default/secrets",
    "/api//v1/namespaces/default/secrets",
    "/api/v1/namespaces/default/pods/../secrets",
    "/api/v1/namespaces/default/%70ods/%2e%2e/secrets",
    "/api/v1/namespaces/default/secrets/",
    "/api/v1/namespaces/default/secrets#/pods",
    "/api/v1/namespaces/default/secrets?x=/pods",
    "/api/v1/namespaces/default/%73ecrets",
    "\\api\\v1\\namespaces\\default\\secrets",
    "/api/v1/namespaces/kube-system/../default/secrets",
    "http://elsewhere/api/v1/namespaces/default/secrets",
    "/version/../api/v1/secrets",
    "/healthz/%2e%2e/api/v1/secrets",
  ])
    it(`is judged as what it leads to: ${path}`, async () => {
      for (const headers of [asZoe(), asWatcher()]) {
        const { code } = await ask("GET", path, { headers });
        assert.ok(code === 403 || code === 400 || code === 404, `${path} ${code}`);
      }
      const anonymous = await ask("GET", path);
      assert.ok(anonymous.code !== 200, `${path} ${anonymous.code}`);
    });

  it("does not hide a watch, a collection or a subresource", async () => {
    const headers = { ...bearer(pki.token), "Impersonate-User": "nina" };
    const maps = "/api/v1/namespaces/default/configmaps";
    await ask("POST", maps, { headers: bearer(pki.token), body: { metadata: { name: "mine" } } });
    const codes = async (...asked: readonly (readonly [string, string])[]) =>
      Promise.all(asked.map(async ([method, path]) => (await ask(method, path, { headers })).code));
    assert.deepEqual(
      await codes(["GET", `${maps}/mine`], ["GET", `${maps}?fieldSelector=metadata.name%3Dmine`]),
      [200, 200],
    );
    assert.deepEqual(
      await codes(
        ["GET", maps],
        ["GET", `${maps}?watch=true`],
        ["GET", `${maps}?watch=1&fieldSelector=metadata.name!%3Dmine`],
        ["GET", `${maps}?fieldSelector=metadata.namespace!%3Dx%5C,metadata.name%3Dmine`],
        ["GET", `${maps}?fieldSelector=metadata.name%3Dmine&fieldSelector=metadata.name!%3Dx`],
        ["DELETE", maps],
        ["DELETE", `${maps}?fieldSelector=metadata.name%3Dmine`],
        ["POST", maps],
        ["GET", `${maps}/other`],
      ),
      [403, 403, 403, 403, 403, 403, 403, 403, 403],
    );
  });
});

it("goes on with a watch whose rights are taken back, and lets no other begin", async () => {
  const { hostname, port } = new URL(server.url);
  const headers = { ...bearer(pki.token), "Impersonate-User": "watcher" };
  const watch = await new Promise<IncomingMessage>((resolve) =>
    httpsRequest(
      { hostname, port, path: `${pods}?watch=true`, agent: agentWith({}), headers },
      resolve,
    ).end(),
  );
  assert.equal(watch.statusCode, 200);
  await ask("DELETE", `${rbac}/clusterrolebindings/reader`, { headers: bearer(pki.token) });
  assert.equal((await ask("GET", `${pods}?watch=true`, { headers })).code, 403);
  const pod = { metadata: { name: "late" }, spec: { containers: [{ name: "c", image: "i" }] } };
  await ask("POST", pods, { headers: bearer(pki.token), body: pod });
  const [first] = await watch.take(1).toArray();
  assert.match(String(first), /"late"/);
  watch.destroy();
});

it("does not listen where others reach it, unless roles decide", async () => {
  const open = new ApiServer({
    store: new Store(),
    clock,
    addresses: addressesOf(195),
    access: accessOf(pki),
  });
  await assert.rejects(start({ apiServer: open, pki, clock, port: 0, host: "0.0.0.0" }), /decided by roles/);
});

it("tells who verifies tokens where the keys are", async () => {
  const { answer } = await ask("GET", "/.well-known/openid-configuration", {
    headers: bearer(await tokenOf("ci")),
  });
  assert.equal(
    (answer as { readonly issuer?: string }).issuer,
    "https://kubernetes.default.svc.cluster.local",
  );
});
