import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { listeningNews } from "./listening-news.ts";
import type { ListenerState } from "./proxy/listener.ts";
import type { PortPlan, ServicePlan } from "./service-plan.ts";

const port: PortPlan = {
  name: "",
  port: 80,
  nodePort: 30080,
  protocol: "unknown",
  endpoints: [],
};
const plan: ServicePlan = {
  namespace: "default",
  name: "web",
  clusterIp: "127.8.64.2",
  loadBalancerIp: "127.8.128.2",
  ports: [port],
};
const onlyNodePorts = (place: string): ListenerState =>
  place.startsWith("127.0.0.1:") ? "bound" : { error: "MissingPrivileges" };
const messages = (of: ServicePlan, stateOf: (place: string) => ListenerState) =>
  listeningNews(of, stateOf)?.map(({ message }) => message);

describe("the news of a Service's addresses", () => {
  test("name the address, the cause and the way in", () => {
    assert.deepEqual(listeningNews(plan, onlyNodePorts), [
      {
        type: "Warning",
        reason: "CannotListen",
        message:
          "cannot listen on 127.8.128.2:80: this user has no rights to ports below 1024; " +
          "the way in is http://127.0.0.1:30080/",
      },
    ]);
  });

  test("are none when every address can be reached", () => {
    assert.deepEqual(
      listeningNews(plan, () => "bound"),
      [],
    );
  });

  for (const open of ["127.8.128.2:80", "127.0.0.1:30080"]) {
    test(`are open as long as it is open whether ${open} can be reached`, () => {
      assert.equal(
        listeningNews(plan, (place) => (place === open ? "binding" : onlyNodePorts(place))),
        undefined,
      );
    });
  }

  test("name no URL where the port is known not to speak HTTP", () => {
    const [message] = messages({ ...plan, ports: [{ ...port, protocol: "tcp" }] }, onlyNodePorts) ?? [];
    assert.match(message ?? "", /; the way in is 127\.0\.0\.1:30080$/);
  });

  test("do not send people to a node port that cannot be reached either", () => {
    const [message] = messages(plan, () => ({ error: "AddressInUse" })) ?? [];
    assert.match(message ?? "", /: another program uses it; give the Service another port/);
  });

  test("tell that a node port is somebody else's, who answers there", () => {
    const stateOf = (place: string): ListenerState =>
      place.startsWith("127.0.0.1:") ? { error: "AddressInUse" } : "bound";
    assert.deepEqual(messages(plan, stateOf), [
      "cannot listen on 127.0.0.1:30080: another program uses it; the way in is 127.8.128.2:80, or give the Service another node port",
    ]);
  });

  test("speak of the cluster's address where there is no other", () => {
    const { nodePort: _, ...bare } = port;
    const { loadBalancerIp: __, ...internal } = plan;
    const [message] = messages({ ...internal, ports: [bare] }, onlyNodePorts) ?? [];
    assert.match(message ?? "", /^cannot listen on 127\.8\.64\.2:80: .*; give the Service another port/);
  });
});
