// Nothing but this is loaded before the cache of compiled code is there: it spares half of every later start.
import module from "node:module";
import { join } from "node:path";

const { XDG_CACHE_HOME, HOME } = process.env;
const caches = XDG_CACHE_HOME ?? (HOME === undefined ? undefined : join(HOME, ".cache"));
// Node 20 has no such cache. Where the folder cannot be written, Node goes on without.
if ("enableCompileCache" in module && caches !== undefined) module.enableCompileCache(join(caches, "teal"));

const { main } = await import("./cli/main.ts");
await main();
