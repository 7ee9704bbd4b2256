import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, beforeEach, describe, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { generate } from "selfsigned";
import type { KubernetesObject } from "../api/core.ts";
import { ManualClock } from "../time/manual-clock.ts";
import { transportFor } from "./kubeconfig.ts";
import type { WatchEvent } from "./transport.ts";

interface Pair {
  readonly cert: string;
  readonly key: string;
}

async function pairFor(name: string): Promise<Pair> {
  const { private: key, cert } = await generate([{ name: "commonName", value: name }], {
    extensions: [{ name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] }],
  });
  return { key, cert };
}

describe("files that change on disk", () => {
  let folder = "";
  let pairs: Readonly<Record<"old" | "new" | "server" | "nextServer", Pair>>;
  let server: Server;
  /** Whose requests are answered with 401. */
  let refused = new Set<string>();

  before(async () => {
    const [old, next, first, second] = await Promise.all(["old", "new", "s1", "s2"].map(pairFor));
    assert.ok(old && next && first && second);
    pairs = { old, new: next, server: first, nextServer: second };
  });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "rotation-"));
    refused = new Set();
    server = createServer(
      { ...pairs.server, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        const certificate = (request.socket as TLSSocket).getPeerCertificate();
        const seen = [certificate.subject?.CN, request.headers.authorization].filter(
          (part) => part !== undefined,
        );
        const who = seen.join(" ") || "nobody";
        if (request.url === "/watch") {
          response.write(`{"type":"BOOKMARK","object":{"metadata":{"name":"${who}"}}}\n`);
          return;
        }
        const code = refused.has(who) ? 401 : 200;
        response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(who));
      },
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });

  function write(name: string, content: string): string {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  }

  function open(user: object) {
    write("ca.crt", pairs.server.cert);
    const kubeconfig = write(
      "kubeconfig",
      JSON.stringify({
        "current-context": "here",
        clusters: [
          {
            name: "local",
            cluster: {
              server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
              "certificate-authority": "ca.crt",
            },
          },
        ],
        users: [{ name: "me", user }],
        contexts: [{ name: "here", context: { cluster: "local", user: "me" } }],
      }),
    );
    const clock = new ManualClock();
    const { transport } = transportFor({ kubeconfig, clock, env: {} });
    return {
      clock,
      /** Opens a watch; answers who was seen, and what it ends with. */
      watch: async () => {
        const seen = Promise.withResolvers<string>();
        const ended = Promise.withResolvers<Error | undefined>();
        const event = ({ object }: WatchEvent): void =>
          seen.resolve((object as KubernetesObject).metadata.name);
        transport.watch({ method: "GET", path: "/watch" }, { event, ended: ended.resolve });
        return { seen: await seen.promise, ended: ended.promise };
      },
      close: () => transport.close(),
      ask: async () => (await transport.request({ method: "GET", path: "/" })).body,
      async [Symbol.asyncDispose]() {
        transport.close();
        server.close();
        await once(server, "close");
        rmSync(folder, { recursive: true });
      },
    };
  }

  const show = (pair: Pair): void => {
    write("client.crt", pair.cert);
    write("client.key", pair.key);
  };
  const withCertificate = { "client-certificate": "client.crt", "client-key": "client.key" };

  test("client certificate and key are read again after a minute", async () => {
    show(pairs.old);
    await using scene = open(withCertificate);
    assert.equal(await scene.ask(), "old");
    show(pairs.new);
    await scene.clock.advance(59);
    assert.equal(await scene.ask(), "old");
    await scene.clock.advance(1);
    assert.equal(await scene.ask(), "new");
  });

  test("client certificate and key are read again at once when the server refuses the old ones", async () => {
    show(pairs.old);
    await using scene = open(withCertificate);
    assert.equal(await scene.ask(), "old");
    show(pairs.new);
    refused.add("old");
    assert.deepEqual(await Promise.all([scene.ask(), scene.ask(), scene.ask()]), ["new", "new", "new"]);
  });

  test("a watch goes on with the certificate that it was opened with", async () => {
    show(pairs.old);
    await using scene = open(withCertificate);
    const watch = await scene.watch();
    assert.equal(watch.seen, "old");
    show(pairs.new);
    await scene.clock.advance(60);
    assert.equal(await scene.ask(), "new");
    assert.equal((await scene.watch()).seen, "new");
    assert.equal(await Promise.race([watch.ended, Promise.resolve("open")]), "open");
    scene.close();
    assert.ok((await watch.ended) instanceof Error);
  });

  test("a certificate that was replaced before its key is used once both fit", async () => {
    show(pairs.old);
    await using scene = open(withCertificate);
    assert.equal(await scene.ask(), "old");
    write("client.crt", pairs.new.cert);
    await scene.clock.advance(60);
    await assert.rejects(scene.ask(), { kind: "unreachable" });
    write("client.key", pairs.new.key);
    await scene.clock.advance(2);
    assert.equal(await scene.ask(), "new");
  });

  test("the certificate authority is read again when the server's certificate does not fit it", async () => {
    show(pairs.old);
    await using scene = open(withCertificate);
    assert.equal(await scene.ask(), "old");
    server.setSecureContext(pairs.nextServer);
    server.closeAllConnections();
    await assert.rejects(scene.ask(), /not signed by the kubeconfig's certificate-authority/);
    write("ca.crt", pairs.nextServer.cert);
    await scene.clock.advance(2);
    assert.equal(await scene.ask(), "old");
  });

  test("a token is read again when the server refuses the old one", async () => {
    write("token", "t1");
    await using scene = open({ tokenFile: "token" });
    assert.equal(await scene.ask(), "Bearer t1");
    write("token", "t2");
    refused.add("Bearer t1");
    assert.equal(await scene.ask(), "Bearer t2");
  });

  for (const [what, token, because] of [
    [
      "a line break",
      "t1\nt2",
      /token: this token cannot be sent: it has a line break at position 3; replace it/,
    ],
    ["letters of no header", "tökén-€", /it has the character U\+20AC at position 7/],
  ] as const) {
    test(`a token with ${what} is said, kept out of requests, and read again`, async () => {
      write("token", token);
      await using scene = open({ tokenFile: "token" });
      await assert.rejects(scene.ask(), because);
      write("token", "t1");
      await scene.clock.advance(2);
      assert.equal(await scene.ask(), "Bearer t1");
      write("token", token);
      await scene.clock.advance(60);
      assert.equal(await scene.ask(), "Bearer t1", "the last good one goes on to count");
      write("token", "t3");
      await scene.clock.advance(60);
      assert.equal(await scene.ask(), "Bearer t3");
    });
  }

  test("a plugin is not run because a certificate does not fit", async () => {
    const runs = join(folder, "runs");
    const answer = {
      apiVersion: "client.authentication.k8s.io/v1",
      kind: "ExecCredential",
      status: { token: "t" },
    };
    const exec = {
      apiVersion: answer.apiVersion,
      command: "sh",
      args: ["-c", `echo run >>${runs}; echo '${JSON.stringify(answer)}'`],
    };
    await using scene = open({ exec });
    assert.equal(await scene.ask(), "Bearer t");
    server.setSecureContext(pairs.nextServer);
    server.closeAllConnections();
    await assert.rejects(scene.ask(), /not signed by/);
    assert.equal(readFileSync(runs, "utf8"), "run\n");
  });
});
