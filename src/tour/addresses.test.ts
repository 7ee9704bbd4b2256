import assert from "node:assert/strict";
import { test } from "node:test";
import type { Service } from "../api/core.ts";
import { addressOf } from "./addresses.ts";

type Ingress = NonNullable<NonNullable<NonNullable<Service["status"]>["loadBalancer"]>["ingress"]>[number];

const service = (...ingress: readonly Ingress[]): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web" },
  spec: { type: "LoadBalancer", ports: [{ port: 80, nodePort: 31000 }] },
  status: { loadBalancer: { ingress } },
});

test("is the load balancer's where its port is served", () => {
  const address = addressOf(service({ ip: "127.9.128.2", ports: [{ port: 80, protocol: "TCP" }] }));
  assert.equal(address?.href, "http://127.9.128.2/");
});

test("is the node's port where the load balancer's port cannot be had", () => {
  const ports = [{ port: 80, protocol: "TCP", error: "MissingPrivileges" }];
  assert.equal(addressOf(service({ ip: "127.9.128.2", ports }))?.href, "http://127.0.0.1:31000/");
});

test("is the node's port where the load balancer serves no port", () => {
  assert.equal(addressOf(service({ ip: "127.0.0.1" }))?.href, "http://127.0.0.1:31000/");
});

test("is not known as long as the Service has no ingress", () => {
  assert.equal(addressOf(service()), undefined);
});
