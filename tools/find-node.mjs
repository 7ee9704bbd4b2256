// Finds the Node that can run Teal's TypeScript as it is. Plain JavaScript, because the Node that runs this may be too old for more.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const oldest = [22, 18];

const root = fileURLToPath(new URL("..", import.meta.url));

/** What to tell people when `findNode` finds none. */
export const noNode =
  `Teal needs Node ${oldest.join(".")} or newer, and this machine has ${process.version}. The npm package "node" would bring one, ` +
  `but npm has not run its install script: run "npm rebuild node --ignore-scripts=false", or install Node 24, and try again.`;

/**
 * The path of a Node that is new enough: the one that the lockfile pins, else the one that runs this; undefined when neither is.
 * @returns {string | undefined}
 */
export function findNode() {
  const pinned = `${root}node_modules/node/bin/node`;
  if (existsSync(pinned) && isNewEnough(versionOf(pinned))) return pinned;
  return isNewEnough(process.versions.node) ? process.execPath : undefined;
}

/** @param {string} path */
function versionOf(path) {
  try {
    return execFileSync(path, ["-p", "process.versions.node"], { encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    // A file for another platform, or the empty one that is there before the install script has run.
    return "0.0.0";
  }
}

/** @param {string} version */
function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
}
