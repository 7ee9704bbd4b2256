import { Agent, request } from "node:http";
import { setTimeout as pass } from "node:timers/promises";

/** Between two requests of one client: many clients together are many requests, and leave the machine room to work. */
const paceMilliseconds = 20;
const timeoutMilliseconds = 5000;
const clients = 2;

interface Answered {
  readonly startedAt: number;
  readonly milliseconds: number;
  readonly version: string;
}

interface Failure {
  readonly at: number;
  readonly error: string;
}

/** Clients that ask one address all the time. */
export class Load {
  readonly name: string;
  readonly answers: Answered[] = [];
  readonly failures: Failure[] = [];
  readonly #url: URL;
  readonly #keepAlive: boolean;
  readonly #loops: Promise<void>[] = [];
  #isOver = false;
  #progress = Promise.withResolvers<void>();

  /** `keepAlive`: each client keeps its connection; otherwise each request has a new one. */
  constructor(address: string, keepAlive: boolean) {
    this.name = `${address} ${keepAlive ? "kept connections" : "new connections"}`;
    this.#url = new URL(`http://${address}/`);
    this.#keepAlive = keepAlive;
  }

  start(): void {
    for (let client = 0; client < clients; client++) this.#loops.push(this.#ask(client));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#loops);
  }

  /** Fulfilled when so many more requests have been answered, or have failed. */
  async more(count: number): Promise<void> {
    const wanted = this.answers.length + this.failures.length + count;
    while (this.answers.length + this.failures.length < wanted) await this.#progress.promise;
  }

  async #ask(client: number): Promise<void> {
    const agent = new Agent({ keepAlive: this.#keepAlive, maxSockets: 1 });
    for (let n = client; !this.#isOver; n++) {
      const startedAt = Date.now();
      try {
        const version = await answerOf(this.#url, n % 2 === 0 ? "GET" : "POST", agent);
        this.answers.push({ startedAt, milliseconds: Date.now() - startedAt, version });
      } catch (error) {
        this.failures.push({ at: Date.now(), error: String(error) });
      }
      this.#progress.resolve();
      this.#progress = Promise.withResolvers<void>();
      await pass(paceMilliseconds);
    }
    agent.destroy();
  }
}

/** The version that answers at `url`. */
export function answerOf(url: URL, method: "GET" | "POST", agent?: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(
      url,
      { method, ...(agent && { agent }), timeout: timeoutMilliseconds },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => (text += part));
        response.on("error", reject);
        response.on("end", () =>
          response.statusCode === 200 ? resolve(text) : reject(new Error(`HTTP ${response.statusCode}`)),
        );
      },
    );
    asked.on("timeout", () => asked.destroy(new Error("no answer")));
    asked.on("error", reject);
    asked.end(method === "POST" ? "content" : undefined);
  });
}
