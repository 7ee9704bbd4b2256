// Where every process of Teal begins. Plain JavaScript, and nothing else is loaded before the cache of compiled code is there: what
// that finds needs neither compiling nor, in a clone, the 25 MB with which Node takes types away.
import { existsSync } from "node:fs";
import module from "node:module";
import { join } from "node:path";

const { XDG_CACHE_HOME, HOME } = process.env;
const caches = XDG_CACHE_HOME ?? (HOME === undefined ? undefined : join(HOME, ".cache"));
// Node 20 has no such cache. Where the folder cannot be written, Node goes on without.
if (caches !== undefined) module.enableCompileCache?.(join(caches, "teal"));

const source = new URL("../src/main.ts", import.meta.url);
const built = new URL("../dist/main.js", import.meta.url);
const { main } = await import((existsSync(source) ? source : built).href);
await main();
