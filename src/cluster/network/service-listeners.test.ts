import assert from "node:assert/strict";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { createServer, get, type IncomingMessage } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, it } from "node:test";
import { SystemClock } from "../../time/system-clock.ts";
import { noSockets } from "./listening-sockets.ts";
import { Sessions } from "./proxy/sessions.ts";
import { ServiceListeners } from "./service-listeners.ts";
import type { PortPlan, ServicePlan } from "./service-plan.ts";

const clock = new SystemClock();

/** A port of 127.0.0.1 that nobody uses, in either protocol as far as that can be known. */
async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("the addresses of a Service", () => {
  let sessions: Sessions;
  let listeners: ServiceListeners | undefined;
  let pods: Socket[];
  beforeEach(() => {
    sessions = new Sessions(clock);
    pods = [];
  });
  afterEach(async () => {
    listeners?.remove();
    listeners = undefined;
    for (const pod of pods) pod.close();
    await sessions.stop(0);
  });

  /** A pod that answers each datagram with its own name before it. */
  async function udpPod(name: string): Promise<{ address: string; port: number }> {
    const pod = createSocket("udp4");
    pods.push(pod);
    pod.on("message", (bytes: Buffer, { address, port }: RemoteInfo) =>
      pod.send(`${name}:${bytes.toString()}`, port, address),
    );
    pod.bind(0, "127.0.0.1");
    await once(pod, "listening");
    return { address: "127.0.0.1", port: pod.address().port };
  }

  function plan(
    port: number,
    more: Partial<ServicePlan> = {},
    portMore: Partial<PortPlan> = {},
  ): ServicePlan {
    const ports = [{ name: "", port, protocol: "tcp" as const, endpoints: [], ...portMore }];
    return { namespace: "default", name: "dns", clusterIp: "127.0.0.1", ports, ...more };
  }

  async function serve(first: ServicePlan): Promise<ServiceListeners> {
    let settled = (): void => {};
    listeners = new ServiceListeners(first, {
      clock,
      sessions,
      sockets: noSockets,
      log: () => undefined,
      settled: () => settled(),
    });
    const started = listeners;
    await new Promise<void>((resolve) => {
      settled = () => started.isSettled && resolve();
      settled();
    });
    return started;
  }

  it("pass datagrams of a client to one pod and back, and to the new side after a switch", async () => {
    const [one, two] = [await udpPod("one"), await udpPod("two")];
    const port = await freePort();
    const service = await serve(plan(port, {}, { transport: "UDP", endpoints: [one] }));
    const client = createSocket("udp4");
    pods.push(client);
    const ask = async (what: string): Promise<string> => {
      const answered = once(client, "message") as Promise<[Buffer]>;
      client.send(what, port, "127.0.0.1");
      return (await answered)[0].toString();
    };
    assert.equal(await ask("a"), "one:a");
    assert.equal(await ask("b"), "one:b");
    service.apply(plan(port, {}, { transport: "UDP", endpoints: [two] }));
    assert.equal(await ask("c"), "two:c");
  });

  it("tell a client of a UDP port that leads nowhere at once", async () => {
    const port = await freePort();
    await serve(plan(port, {}, { transport: "UDP" }));
    const client = createSocket("udp4");
    pods.push(client);
    client.connect(port, "127.0.0.1");
    await once(client, "connect");
    const refused = once(client, "error").catch((error: unknown) => [error]);
    client.send("anybody?");
    const [error] = (await refused) as [NodeJS.ErrnoException];
    assert.equal(error.code, "ECONNREFUSED");
  });

  it("answer a load balancer that asks for pods on this node", async () => {
    const pod = createServer((_request, response) => response.end("pod")).listen(0, "127.0.0.1");
    await once(pod, "listening");
    const endpoint = { address: "127.0.0.1", port: (pod.address() as AddressInfo).port };
    const [port, healthCheckPort] = [await freePort(), await freePort()];
    const service = await serve(plan(port, { healthCheckPort }, { endpoints: [endpoint] }));
    const ask = async (): Promise<[number | undefined, string]> => {
      const url = `http://127.0.0.1:${healthCheckPort}/`;
      const [response] = (await once(get(url, { agent: false }), "response")) as [IncomingMessage];
      return [response.statusCode, await text(response)];
    };
    const [code, body] = await ask();
    assert.equal(code, 200);
    assert.deepEqual(JSON.parse(body), {
      service: { namespace: "default", name: "dns" },
      localEndpoints: 1,
      serviceProxyHealthy: true,
    });
    service.apply(plan(port, { healthCheckPort }));
    assert.equal((await ask())[0], 503);
    pod.close();
  });
});
