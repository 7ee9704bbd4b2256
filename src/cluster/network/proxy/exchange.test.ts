import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { ProxyFixture } from "./proxy.fixture.ts";

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const requestOf = (method: string, body = "") =>
  `${method} / HTTP/1.1\r\nHost: w\r\n${body === "" ? "" : `Content-Length: ${body.length}\r\n`}\r\n${body}`;

describe("an exchange", { timeout: 60_000 }, () => {
  let proxy: ProxyFixture;
  /** The requests that came on each connection to the pod. */
  let seen: string[][];
  beforeEach(() => {
    proxy = new ProxyFixture();
    seen = [];
  });
  afterEach(() => proxy.end());

  /** A pod that answers the first request on a connection and gives the connection up when another one comes. */
  const forgetfulPod = () =>
    proxy.pod((socket) => {
      const requests: string[] = [];
      seen.push(requests);
      socket.on("data", (bytes) => {
        requests.push(bytes.toString("latin1", 0, bytes.indexOf(" ")));
        if (requests.length === 1) socket.write(ok);
        else socket.destroy();
      });
    });

  for (const [method, body] of [
    ["POST", "pay"],
    ["POST", ""],
    ["PATCH", "a"],
    ["LOCK", ""],
    ["get", ""],
  ] as const) {
    test(`of ${method} ${body} never uses a kept connection, however lately that was used`, async () => {
      proxy.route.swap([await forgetfulPod()]);
      const client = await proxy.client();
      await client.send(requestOf("GET")).sees(/ok$/);
      for (let count = 2; count < 6; count++) {
        await client.send(requestOf(method, body)).sees(new RegExp(`^(HTTP/1.1 200[^]*ok){${count}}$`));
      }
      assert.deepEqual(seen, [["GET"], [method], [method], [method], [method]]);
    });
  }

  for (const [method, body] of [
    ["GET", ""],
    ["HEAD", ""],
    ["OPTIONS", ""],
    ["TRACE", ""],
    ["DELETE", ""],
    ["PUT", "whole"],
  ] as const) {
    test(`of ${method} ${body} uses a kept connection, and is sent once more when that was dead`, async () => {
      proxy.route.swap([await forgetfulPod()]);
      const client = await proxy.client();
      await client.send(requestOf("GET")).sees(/ok$/);
      await client.send(requestOf(method, body)).sees(/^(HTTP\/1.1 200[^]*){2}$/);
      assert.deepEqual(seen, [["GET", method], [method]]);
    });
  }

  test("with a body that is still to come does not use a kept connection", async () => {
    proxy.route.swap([await forgetfulPod()]);
    const client = await proxy.client();
    await client.send(requestOf("GET")).sees(/ok$/);
    client.send("PUT / HTTP/1.1\r\nHost: w\r\nContent-Length: 2\r\n\r\n");
    await client.sees(/^(HTTP\/1.1 200[^]*){2}$/);
    assert.deepEqual(seen, [["GET"], ["PUT"]]);
  });

  test("that a new connection breaks is done once more only where that changes nothing", async () => {
    const breaking = await proxy.pod((socket) =>
      socket.on("data", (bytes) => {
        seen.push([bytes.toString("latin1", 0, bytes.indexOf(" "))]);
        socket.destroy();
      }),
    );
    const second = await proxy.pod((socket) => socket.on("data", () => socket.write(ok)));
    proxy.route.swap([breaking]);
    proxy.route.swap([breaking, second]);
    for (const [method, answer] of [
      ["GET", 200],
      ["DELETE", 502],
      ["PUT", 502],
      ["POST", 502],
    ] as const) {
      // The turn is that of the first pod again.
      proxy.route.swap([breaking]);
      proxy.route.nextEndpoint([]);
      proxy.route.swap([second, breaking]);
      const client = await proxy.client();
      await client.send(requestOf(method)).sees(new RegExp(`^HTTP/1.1 ${answer} `));
    }
    assert.deepEqual(seen, [["GET"], ["DELETE"], ["PUT"], ["POST"]]);
  });

  test("is sent once more when a kept connection says goodbye with a 408, and no more often", async () => {
    proxy.route.swap([
      await proxy.pod((socket) => {
        let requests = 0;
        socket.on("data", () => {
          if (++requests === 1) socket.write(ok);
          else socket.end("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
        });
      }),
    ]);
    const client = await proxy.client();
    await client.send(requestOf("GET")).sees(/ok$/);
    await client.send(requestOf("GET")).sees(/^(HTTP\/1.1 200[^]*ok){2}$/);
    proxy.route.swap([
      await proxy.pod((socket) =>
        socket.on("data", () => socket.write("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")),
      ),
    ]);
    await client.send(requestOf("GET")).sees(/ok\S* 408 [^]*\r\n\r\n$/);
  });

  test("leaves a pod no more connections than were in use at once", async () => {
    const open = new Set<object>();
    proxy.route.swap([
      await proxy.pod((socket) => {
        open.add(socket);
        socket.on("data", () => socket.write(ok)).on("end", () => open.delete(socket));
      }),
    ]);
    const client = await proxy.client();
    for (let count = 1; count < 6; count++) {
      await client.send(requestOf("POST", "x")).sees(new RegExp(`^(HTTP/1.1 200[^]*ok){${count}}$`));
    }
    assert.equal(open.size, 1);
  });
});
