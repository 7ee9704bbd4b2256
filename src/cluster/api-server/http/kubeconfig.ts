import { mkdir, readlink, realpath } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { readIfThere, writeWhole } from "../../whole-file.ts";
import type { OwnEntries } from "./kubeconfig-edit.ts";
import type { Pki } from "./pki.ts";

/** The usual name of cluster, user and context in a kubeconfig. */
export const contextName = "teal";

/**
 * Lets kubectl and every other client find the server: writes a kubeconfig whose current context is `name`. Everything else in
 * the file stays as it is written there: other clusters, their order, comments, unknown fields. A new file is written as JSON,
 * which every reader of YAML reads too.
 * @param server `https://127.0.0.1:7443`
 * @throws Error when the file is there and is no kubeconfig; it is left as it is.
 */
export async function writeKubeconfig(
  file: string,
  server: string,
  pki: Pki,
  name = contextName,
): Promise<void> {
  const text = readIfThere(file) ?? "";
  const authority = Buffer.from(pki.authority).toString("base64");
  const own: OwnEntries = {
    name,
    cluster: { server, "certificate-authority-data": authority },
    user: { token: pki.token },
  };
  const wanted = await textWith(own, file, text);
  // A restart needs no room on a disk that is full by then.
  if (wanted === text) return;
  const place = await placeOf(file);
  await mkdir(dirname(place), { recursive: true });
  writeWhole(place, wanted);
}

/**
 * Takes what `writeKubeconfig` wrote out of the file again; nothing when the name is another cluster's by now, or nobody's.
 * @param authority the certificate that tells the cluster from others, in PEM
 * @throws Error when the file is no kubeconfig any more.
 */
export async function leaveKubeconfig(file: string, authority: string, name: string): Promise<void> {
  const text = readIfThere(file) ?? "";
  if (text.trim() === "") return;
  const { clusterNamed, withoutEntries } = await import("./kubeconfig-edit.ts");
  const written = clusterNamed(file, text, name)?.["certificate-authority-data"];
  if (written === Buffer.from(authority).toString("base64"))
    writeWhole(await placeOf(file), withoutEntries(file, text, name));
}

/**
 * Who has the name in the file, as far as it is none of `own` servers: their server, or `""` for an entry without one.
 * @throws Error when the file is no kubeconfig.
 */
export async function otherServerNamed(
  file: string,
  name: string,
  own: readonly string[],
): Promise<string | undefined> {
  const text = readIfThere(file) ?? "";
  if (text.trim() === "") return undefined;
  const { clusterNamed } = await import("./kubeconfig-edit.ts");
  const found = clusterNamed(file, text, name);
  const server = found?.server ?? "";
  return found === undefined || own.includes(server) ? undefined : server;
}

async function textWith(own: OwnEntries, file: string, text: string): Promise<string> {
  const { name, cluster, user } = own;
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: "default" } }],
    "current-context": name,
  };
  const alone = `${JSON.stringify(config, null, 2)}\n`;
  if (text.trim() === "" || text === alone) return alone;
  // Only then is the library for YAML needed.
  const { withEntries } = await import("./kubeconfig-edit.ts");
  return withEntries(file, text, own);
}

/** The file to write: a link stays one, since people keep the file it leads to elsewhere. */
async function placeOf(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch {
    // Not there yet, or a link to what is not there yet.
    const target = await readlink(file).catch(() => undefined);
    return target === undefined ? file : resolve(dirname(file), target);
  }
}
