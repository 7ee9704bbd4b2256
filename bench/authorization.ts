// What it costs to find out whether a user may make a request, with 1,000 roles and bindings: `node bench/authorization.ts`.
// CPU for each request, in microseconds; a user of 1,000 bindings beside one of a single binding.
import type { KubernetesObject } from "../src/api/core.ts";
import { RoleAuthorizer } from "../src/cluster/api-server/access/rbac/role-authorizer.ts";
import { RoleIndex } from "../src/cluster/api-server/access/rbac/role-index.ts";
import { rbacGroup } from "../src/cluster/api-server/access/rbac/roles.ts";
import { Store } from "../src/cluster/store/store.ts";

const bindings = 1000;
const store = new Store();
for (let n = 0; n < bindings; n += 1) {
  put("roles", "Role", n, { rules: [{ verbs: ["get"], apiGroups: [""], resources: [`thing${n}`] }] });
  put("rolebindings", "RoleBinding", n, {
    roleRef: { kind: "Role", name: `n${n}` },
    subjects: [
      { kind: "User", name: "all" },
      { kind: "User", name: `user${n}` },
    ],
  });
}
const index = new RoleIndex(store);
const authorizer = new RoleAuthorizer(index);

measure("allowed, by one binding", 200_000, (n) => ask("user7", "thing7", n));
measure("allowed, by the last of 1,000", 200_000, (n) => ask("all", `thing${bindings - 1}`, n));
measure("refused, with 1,000 bindings", 200_000, (n) => ask("all", "nothing", n));
measure("the first after a change of roles, with 1,000", 300, (n) => {
  index.generation += 1;
  ask("all", "thing0", n);
});

function put(plural: string, kind: string, n: number, content: object): void {
  const metadata = { name: `n${n}`, namespace: "default", uid: `${kind}-${n}` };
  const object = { apiVersion: `${rbacGroup}/v1`, kind, metadata, ...content } as KubernetesObject;
  store.put(`${plural}.${rbacGroup}`, object);
}

function ask(user: string, resource: string, n: number): void {
  const attributes = { verb: "get", group: "", version: "v1", resource, subresource: "", name: `name${n}` };
  authorizer.authorize({ name: user, groups: ["dev"] }, { ...attributes, namespace: "default" });
}

function measure(what: string, times: number, act: (n: number) => void): void {
  for (let n = 0; n < times / 10; n += 1) act(n);
  const before = process.cpuUsage();
  for (let n = 0; n < times; n += 1) act(n);
  const { user, system } = process.cpuUsage(before);
  console.log(`${what}: ${((user + system) / times).toFixed(1)} us`);
}
