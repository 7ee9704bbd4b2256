// The part of undici that is used here, at the version that package.json names exactly. Its index loads fetch, caches and mocks as
// well, which cost every process 16 MB and 60 ms of processor time.
import { createRequire } from "node:module";
import { setFlagsFromString } from "node:v8";
import type * as undici from "undici";

// undici's HTTP parser is WebAssembly. V8's second compiler for that leaves 13 MB behind in every process, and the requests of an API
// client are no faster for it. A V8 that knows these flags no more says so in one line and goes on without them.
for (const flag of ["--no-wasm-tier-up", "--no-wasm-dynamic-tiering"]) setFlagsFromString(flag);

const load = createRequire(import.meta.url);
// As the index does it: `request` and its like are methods of every dispatcher.
Object.assign(load("undici/lib/dispatcher/dispatcher.js").prototype, load("undici/lib/api/index.js"));

export const Pool = load("undici/lib/dispatcher/pool.js") as typeof undici.Pool;
export const buildConnector = load("undici/lib/core/connect.js") as typeof undici.buildConnector;

/** Loaded where there is a proxy. */
export function newProxyAgent(options: undici.ProxyAgent.Options): undici.ProxyAgent {
  const ProxyAgent = load("undici/lib/dispatcher/proxy-agent.js") as typeof undici.ProxyAgent;
  return new ProxyAgent(options);
}
