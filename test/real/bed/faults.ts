import { setTimeout as pass } from "node:timers/promises";
import { constants, createGzip, gzipSync } from "node:zlib";
import type { Chance } from "./chance.ts";
import { type Answer, type Exchange, statusOf } from "./fault-proxy.ts";

/** One way in which what lies between a controller and its API server goes wrong, again and again. */
export interface Fault {
  readonly name: string;
  play(exchange: Exchange, chance: Chance): Promise<void>;
}

const often = 0.3;
/** A watch with a fault lives at most so long, so that the fault happens also where nothing else does. */
const watchSeconds = 1.5;
/** A watch that holds so long counts as one that works; more of those that do not, and a controller waits ever longer. */
const steadyWatchSeconds = 3;
/** A request without answer costs the controller its whole patience. */
const mostSilences = 3;

const relay: Fault["play"] = async (exchange) => {
  if (!exchange.isWatch) return exchange.answer(await exchange.carryOut());
  for await (const line of exchange.events()) await exchange.write(line);
  exchange.end();
};

/** Some requests are refused, and not carried out. */
function refusing(
  name: string,
  [code, reason, message]: readonly [number, string, string],
  headers: Readonly<Record<string, string>> = {},
  isMeant: (exchange: Exchange) => boolean = () => true,
): Fault {
  return {
    name,
    async play(exchange, chance) {
      if (isMeant(exchange) && chance.hits(often)) exchange.refuse(code, reason, message, headers);
      else await relay(exchange, chance);
    },
  };
}

/** A fault of watches alone. */
function watching(name: string, play: Fault["play"]): Fault {
  return { name, play: (exchange, chance) => (exchange.isWatch ? play : relay)(exchange, chance) };
}

const gone = `${JSON.stringify({ type: "ERROR", object: statusOf(410, "Expired", "too old resource version") })}\n`;

/** Nothing goes wrong: what every other column is compared with. */
export const noFault: Fault = { name: "no fault", play: relay };

export const faults: readonly Fault[] = [
  {
    name: "latency",
    async play(exchange, chance) {
      await pass(chance.between(20, 400));
      if (!exchange.isWatch) {
        const answer = await exchange.carryOut();
        await pass(chance.between(20, 200));
        return exchange.answer(answer);
      }
      for await (const line of exchange.events()) {
        await pass(chance.between(0, 200));
        await exchange.write(line);
      }
      exchange.end();
    },
  },
  refusing(
    "conflict",
    [409, "Conflict", "the object has been modified; please apply your changes to the latest version"],
    {},
    ({ isWrite, method }) => isWrite && method !== "POST",
  ),
  refusing("server error", [500, "InternalError", "etcdserver: request timed out"]),
  refusing("unavailable", [503, "ServiceUnavailable", "the server is starting"], { "retry-after": "1" }),
  refusing("throttled", [429, "TooManyRequests", "the server has received too many requests"], {
    "retry-after": "1",
  }),
  refusing("unauthorized", [401, "Unauthorized", "Unauthorized"]),
  {
    name: "reset before it is carried out",
    async play(exchange, chance) {
      if (chance.hits(often)) exchange.breakOff();
      else await relay(exchange, chance);
    },
  },
  {
    name: "reset after it was carried out",
    async play(exchange, chance) {
      if (!chance.hits(often)) return relay(exchange, chance);
      if (exchange.isWatch) for await (const _ of exchange.events(watchSeconds)) break;
      else await exchange.carryOut();
      exchange.breakOff();
    },
  },
  {
    name: "answer cut off",
    async play(exchange, chance) {
      if (!chance.hits(often)) return relay(exchange, chance);
      if (!exchange.isWatch) {
        const answer = await exchange.carryOut();
        return exchange.answerInPart(answer, Math.floor(answer.body.length * chance.between(0, 1)));
      }
      for await (const line of exchange.events(watchSeconds)) {
        await exchange.write(chance.hits(often) ? line.slice(0, line.length / 2) : line);
        break;
      }
      exchange.breakOff();
    },
  },
  {
    name: "gzip cut off",
    async play(exchange, chance) {
      if (!exchange.acceptsGzip) return relay(exchange, chance);
      return exchange.isWatch ? watchPacked(exchange, chance) : answerPacked(exchange, chance);
    },
  },
  watching("watch expired", async (exchange, chance) => {
    let left = Math.floor(chance.between(0, 3));
    if (left > 0)
      for await (const line of exchange.events(watchSeconds)) {
        await exchange.write(line);
        if (--left === 0) break;
      }
    else for await (const _ of exchange.events(0.01)) break;
    exchange.end(gone);
  }),
  watching("watch closed", async (exchange, chance) => {
    const isClosedAtOnce = chance.hits(0.4);
    let left = Math.floor(chance.between(1, 3));
    for await (const line of exchange.events(isClosedAtOnce ? 0.01 : steadyWatchSeconds)) {
      if (isClosedAtOnce) break;
      await exchange.write(line);
      if (--left === 0) break;
    }
    exchange.end();
  }),
  watching("watch late", async (exchange, chance) => {
    for await (const line of exchange.events()) {
      await pass(chance.between(100, 900));
      await exchange.write(line);
    }
    exchange.end();
  }),
  watching("watch repeated", async (exchange, chance) => {
    const told: string[] = [];
    for await (const line of exchange.events()) {
      told.push(line);
      await exchange.write(line + line);
      if (chance.hits(often)) await exchange.write(chance.pick(line, ...told));
    }
    exchange.end();
  }),
  watching("watch withheld, then expired", async (exchange, chance) => {
    for await (const _ of exchange.events(chance.between(1, 3)));
    exchange.end(gone);
  }),
  watching("half a line", async (exchange, chance) => {
    for await (const line of exchange.events(watchSeconds)) {
      if (chance.hits(often)) {
        await exchange.write(line.slice(0, line.length / 2));
        break;
      }
      await exchange.write(line);
    }
    exchange.end();
  }),
  silence(),
  garbage(),
];

async function answerPacked(exchange: Exchange, chance: Chance): Promise<void> {
  const answer = await exchange.carryOut();
  const packed: Answer = {
    ...answer,
    headers: { ...answer.headers, "content-encoding": "gzip" },
    body: gzipSync(answer.body),
  };
  if (!chance.hits(often)) return exchange.answer(packed);
  const bytes = Math.floor(packed.body.length * chance.between(0, 1));
  // Either the connection breaks, or HTTP is in order and only the content ends too soon.
  if (chance.hits(0.5)) await exchange.answerInPart(packed, bytes);
  else exchange.answer({ ...packed, body: packed.body.subarray(0, bytes) });
}

async function watchPacked(exchange: Exchange, chance: Chance): Promise<void> {
  const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH });
  const isCut = chance.hits(0.5);
  let left = Math.floor(chance.between(1, 4));
  for await (const line of exchange.events(isCut ? watchSeconds : undefined, {
    "content-encoding": "gzip",
  })) {
    gzip.write(line);
    await new Promise<void>((resolve) => gzip.flush(() => resolve()));
    const packed = gzip.read() as Buffer | null;
    if (packed === null) continue;
    left -= 1;
    if (isCut && left === 0) {
      await exchange.write(packed.subarray(0, packed.length / 2));
      break;
    }
    await exchange.write(packed);
  }
  if (isCut && chance.hits(0.5)) exchange.breakOff();
  else exchange.end();
}

/** Nothing comes back: the request was lost, or its answer was. Each proxy has its own few. */
function silence(): Fault {
  const silences = new WeakMap<Chance, number>();
  return {
    name: "silence",
    async play(exchange, chance) {
      const before = silences.get(chance) ?? 0;
      if (before >= mostSilences || !chance.hits(0.08)) return relay(exchange, chance);
      silences.set(chance, before + 1);
      if (!exchange.isWatch && chance.hits(0.5)) await exchange.carryOut();
    },
  };
}

/** As programs answer that are no API server: a login page, a redirect, JSON of another meaning, no HTTP at all. */
function garbage(): Fault {
  const json = (body: string): Answer => ({
    code: 200,
    headers: { "content-type": "application/json" },
    body: Buffer.from(body),
  });
  const page: Answer = {
    code: 200,
    headers: { "content-type": "text/html" },
    body: Buffer.from("<!doctype html><title>Sign in</title>"),
  };
  const redirect: Answer = { code: 302, headers: { location: "/login" }, body: Buffer.alloc(0) };
  const answers = [page, redirect, json("null"), json("{}"), json("[]"), json('"well"'), json("{")];
  const lines = ["well?\n", "null\n", "{}\n", '{"type":"ADDED"}\n', '{"type":"ERROR","object":{}}\n', "\n"];
  return {
    name: "garbage",
    async play(exchange, chance) {
      if (!chance.hits(0.2)) return relay(exchange, chance);
      if (chance.hits(0.15)) return exchange.answerRaw("SSH-2.0-OpenSSH_9.2\r\n");
      if (!exchange.isWatch) return exchange.answer(chance.pick(page, ...answers));
      if (chance.hits(0.3)) return exchange.answer(chance.pick(page, redirect));
      for await (const line of exchange.events(watchSeconds)) {
        await exchange.write(chance.hits(often) ? chance.pick("\n", ...lines) : line);
      }
      exchange.end(chance.pick("\n", ...lines));
    },
  };
}
