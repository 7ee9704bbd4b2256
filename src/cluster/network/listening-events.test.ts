import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import type { KubernetesObject, Service } from "../../api/core.ts";
import { KubernetesClient } from "../../kubernetes/client.ts";
import type { News } from "../../kubernetes/event-recorder.ts";
import { ScriptedTransport } from "../../kubernetes/scripted-transport.fixture.ts";
import { ManualClock } from "../../time/manual-clock.ts";
import { ListeningEvents } from "./listening-events.ts";

interface StoredEvent extends KubernetesObject {
  readonly message: string;
  readonly involvedObject: Readonly<Record<string, unknown>>;
}

// As it comes in a list, without its kind.
const service = {
  metadata: { namespace: "default", name: "web", uid: "u" },
  spec: { type: "LoadBalancer", ports: [{ port: 80 }] },
} as Partial<Service> as Service;
const news = (message: string): News => ({ type: "Warning", reason: "CannotListen", message });

describe("Events about addresses that cannot be listened on", () => {
  let transport: ScriptedTransport;
  let events: ListeningEvents;
  let stored: StoredEvent[];
  const start = (): ListeningEvents =>
    new ListeningEvents({
      client: new KubernetesClient(transport),
      clock: new ManualClock(),
      onProblem: (text) => assert.fail(text),
    });

  beforeEach(() => {
    stored = [];
    transport = new ScriptedTransport();
    transport.answer = ({ method, path, body }) => {
      if (method === "POST") stored.push(body as StoredEvent);
      if (method === "DELETE") stored = stored.filter(({ metadata }) => !path.endsWith(`/${metadata.name}`));
      return { code: 200, body: { metadata: {}, items: stored } };
    };
    events = start();
  });

  const told = () => stored.map(({ message }) => message);

  test("are written once, about the Service", async () => {
    await events.tell(service, [news("a"), news("b")]);
    await events.tell(service, [news("a"), news("b")]);
    await events.stop();
    assert.deepEqual(told(), ["a", "b"]);
    const { apiVersion, kind, name, uid } = stored[0]?.involvedObject ?? {};
    assert.deepEqual([apiVersion, kind, name, uid], ["v1", "Service", "web", "u"]);
    assert.equal(
      transport.requests.find(({ method }) => method === "PATCH"),
      undefined,
    );
  });

  test("are taken back when the problem is over", async () => {
    await events.tell(service, [news("a"), news("b")]);
    await events.stop();
    await events.tell(service, [news("b")]);
    assert.deepEqual(told(), ["b"]);
    await events.tell(service, []);
    assert.deepEqual(told(), []);
  });

  test("of an earlier process are known", async () => {
    await events.tell(service, [news("a"), news("b")]);
    await events.stop();
    const next = start();
    await next.tell(service, [news("b")]);
    await next.stop();
    assert.deepEqual(told(), ["b"]);
    assert.equal(transport.requests.filter(({ method }) => method === "POST").length, 2);
  });

  test("are asked for again when a Service was gone in between", async () => {
    await events.tell(service, []);
    events.forget(service);
    await events.tell(service, []);
    assert.deepEqual(
      transport.requests.map(({ method, query }) => [method, query?.["fieldSelector"]]),
      [
        ["GET", "involvedObject.uid=u,reason=CannotListen"],
        ["GET", "involvedObject.uid=u,reason=CannotListen"],
      ],
    );
  });
});
