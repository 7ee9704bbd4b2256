import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import type { KubernetesObject } from "../../src/api/core.ts";
import { pathOf, type Resource, resources } from "../../src/api/resources.ts";
import { pageSize } from "../../src/kubernetes/watch-cache.ts";
import { type Application, application } from "./application.ts";

const version = "9000000";

interface Kind {
  readonly resource: Resource;
  readonly of: (application: Application) => readonly KubernetesObject[];
}

const kinds: readonly Kind[] = [
  { resource: resources.rollouts, of: ({ rollout }) => [rollout] },
  { resource: resources.replicaSets, of: ({ replicaSets }) => replicaSets },
  { resource: resources.services, of: ({ services }) => services },
  { resource: resources.endpointSlices, of: ({ endpointSlices }) => endpointSlices },
  { resource: resources.pods, of: ({ pods }) => pods },
];

/** As much of an API server as a controller at rest uses: packed pages of lists, and watches in which little happens. */
export class LargeCluster {
  /** Requests to change something, with their bodies. */
  readonly writes: string[] = [];
  readonly #server: Server;
  readonly #pages = new Map<string, readonly Buffer[]>();
  #rolloutWatch: ServerResponse | undefined;

  constructor(size: number) {
    const applications = Array.from({ length: size }, (_, number) => number);
    for (const { resource, of } of kinds) {
      const items = function* (): Generator<KubernetesObject> {
        for (const number of applications) yield* of(application(number));
      };
      this.#pages.set(pathOf(resource), pagesOf(items()));
    }
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  /** Answers the address. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Tells that somebody has changed a label of this many Rollouts, `round` times each by now. */
  touch(count: number, round: number): void {
    for (let number = 0; number < count; number++) {
      const object = application(number, round).rollout;
      this.#rolloutWatch?.write(`${JSON.stringify({ type: "MODIFIED", object })}\n`);
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://cluster");
    const pages = this.#pages.get(pathname);
    if (request.method !== "GET" || pages === undefined) {
      void this.#refuse(request, response);
    } else if (searchParams.get("watch") === "true") {
      response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
      if (pathname === pathOf(resources.rollouts)) this.#rolloutWatch = response;
    } else {
      const page = Number(searchParams.get("continue") ?? 0);
      response
        .writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" })
        .end(pages[page]);
    }
  }

  async #refuse(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await request.toArray();
    this.writes.push(`${request.method} ${request.url} ${Buffer.concat(body).toString()}`);
    const message = "nothing is to be written at rest";
    const status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code: 403, message };
    response.writeHead(403, { "content-type": "application/json" }).end(JSON.stringify(status));
  }
}

function pagesOf(items: Iterable<KubernetesObject>): readonly Buffer[] {
  const pages: Buffer[] = [];
  let page: KubernetesObject[] = [];
  const close = (isLast: boolean): void => {
    const next = isLast ? {} : { continue: String(pages.length + 1) };
    const metadata = { resourceVersion: version, ...next };
    pages.push(gzipSync(JSON.stringify({ metadata, items: page }), { level: 1 }));
    page = [];
  };
  for (const item of items) {
    if (page.length === pageSize) close(false);
    page.push(item);
  }
  close(true);
  return pages;
}
