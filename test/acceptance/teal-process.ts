import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { type Addresses, addressesOf } from "../../src/cluster/addresses.ts";
import { claimBlock } from "../../src/cluster/supervisor/address-block.ts";

const bin = join(import.meta.dirname, "../../bin/teal");

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

/** `bin/teal` as people start it, in a folder of its own. */
export class TealProcess {
  readonly child: ChildProcess;
  #out = "";
  #error = "";
  #more = Promise.withResolvers<void>();
  readonly #ended: Promise<Ended>;

  constructor(args: readonly string[], folder: string) {
    const { KUBECONFIG: _, ...env } = process.env;
    this.child = spawn(bin, args, {
      cwd: folder,
      env: { ...env, HOME: folder, NO_COLOR: "1" },
    });
    const { stdin, stdout, stderr } = this.child;
    assert.ok(stdin !== null && stdout !== null && stderr !== null);
    stdin.end();
    stdout.on("data", (text) => {
      this.#out += text;
      this.#more.resolve();
    });
    stderr.on("data", (text) => {
      this.#error += text;
      this.#more.resolve();
    });
    this.#ended = once(this.child, "close").then(([code]) => ({ code, out: this.#out, error: this.#error }));
  }

  get output(): string {
    return this.#out + this.#error;
  }

  /** Resolves when the output has it. Fails when the process ends without. */
  async shown(wanted: RegExp, from = 0): Promise<void> {
    while (!wanted.test(this.output.slice(from))) {
      this.#more = Promise.withResolvers<void>();
      const ended = await Promise.race([this.#more.promise, this.#ended]);
      if (ended !== undefined) return assert.match(this.output.slice(from), wanted);
    }
  }

  ended(): Promise<Ended> {
    return this.#ended;
  }

  /** As Ctrl-C does. */
  interrupt(): Promise<Ended> {
    this.child.kill("SIGINT");
    return this.#ended;
  }
}

/** Runs `bin/teal` to its end. */
export function teal(folder: string, ...args: readonly string[]): Promise<Ended> {
  return new TealProcess(args, folder).ended();
}

// Below those that the kernel gives to whoever asks for any: until it is used, nobody else is given it.
const firstPort = 10_000;
const lastPort = 29_999;

/** A port for a cluster, or for anything else. While this process lives no other test process is given it. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(firstPort, lastPort);
    if ((await isFree(port)) && (await lease(port))) return port;
  }
}

/** The addresses of a block that no cluster, and no other test process, has while this process lives. */
export async function freeAddresses(): Promise<Addresses> {
  const folder = `${process.pid} ${randomInt(2 ** 31)}`;
  const { block } = await claimBlock({ last: undefined, folder, isInUse: () => false });
  return addressesOf(block);
}

/** Held by a name in the kernel's own space, which goes with the process. Elsewhere ports are left to chance. */
function lease(port: number): Promise<boolean> {
  if (process.platform !== "linux") return Promise.resolve(true);
  const holder = createServer();
  holder.unref();
  return new Promise((resolve) => {
    holder.on("error", () => resolve(false));
    holder.listen({ path: `\0teal-test-port-${port}` }, () => resolve(true));
  });
}

/** Whether nobody listens on this port of 127.0.0.1. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.on("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
