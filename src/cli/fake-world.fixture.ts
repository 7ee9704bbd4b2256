import { commands } from "../commands.ts";
import { KubernetesClient } from "../kubernetes/client.ts";
import type { ApiRequest, ApiResponse, Transport, WatchSink } from "../kubernetes/transport.ts";
import { ManualClock } from "../time/manual-clock.ts";
import type { World } from "./run.ts";

/** What a fake server answers to a request; nothing is 404. */
export type Answer = (request: ApiRequest) => ApiResponse | object | undefined;

/** A terminal without a screen and a server without objects, for tests of commands. */
export class FakeWorld implements World {
  readonly commands = commands;
  readonly clock = new ManualClock();
  readonly requests: ApiRequest[] = [];
  readonly watches: { readonly request: ApiRequest; readonly sink: WatchSink }[] = [];
  out = "";
  error = "";
  standardInput = "";
  interactive = false;
  readonly #answers: ReadonlyMap<string, Answer | object>;
  readonly #interruption = new AbortController();

  /** Answers by `METHOD /path`. */
  constructor(answers: Readonly<Record<string, Answer | object>> = {}) {
    this.#answers = new Map(Object.entries(answers));
  }

  get terminal(): World["terminal"] {
    return {
      out: (text) => {
        this.out += text;
      },
      error: (text) => {
        this.error += text;
      },
      outliveReaders: () => undefined,
      read: async () => this.standardInput,
      interactive: this.interactive,
      colours: false,
      interrupted: this.#interruption.signal,
    };
  }

  interrupt(): void {
    this.#interruption.abort();
  }

  /** The requests that change something, as `METHOD /path` and body. */
  get writes(): readonly (readonly [string, unknown])[] {
    return this.requests
      .filter(({ method }) => method !== "GET")
      .map(({ method, path, body }) => [`${method} ${path}`, body]);
  }

  readonly connect: World["connect"] = async ({ namespace }) => ({
    client: new KubernetesClient(this.#transport),
    namespace: namespace ?? "default",
    server: "https://fake",
    follow: async function* () {
      yield "one\n";
      yield "two\n";
    },
  });

  readonly #transport: Transport = {
    request: async (request) => {
      this.requests.push(request);
      const answer = this.#answers.get(`${request.method} ${request.path}`);
      const body = typeof answer === "function" ? (answer as Answer)(request) : answer;
      if (body === undefined) return notFound(request.path);
      return "code" in body && "body" in body ? (body as ApiResponse) : { code: 200, body };
    },
    watch: (request, sink) => {
      const watch = { request, sink };
      this.watches.push(watch);
      sink.opened?.();
      return () => this.watches.splice(this.watches.indexOf(watch), 1);
    },
  };
}

function notFound(path: string): ApiResponse {
  const message = `${path.split("/").at(-2)} "${path.split("/").at(-1)}" not found`;
  return { code: 404, body: { kind: "Status", status: "Failure", reason: "NotFound", code: 404, message } };
}
