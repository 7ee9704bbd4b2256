import { mkdir, realpath } from "node:fs/promises";
import { dirname } from "node:path";
import { parseJsonOrYaml, yaml } from "../../../kubernetes/yaml.ts";
import type { Pki } from "./pki.ts";
import { readIfThere, writePrivately } from "./private-file.ts";

/** The name of cluster, user and context in a kubeconfig. */
export const contextName = "teal";

type Entry = Readonly<Record<string, unknown>>;

/**
 * Lets kubectl and every other client find the server: writes a kubeconfig whose current context is `teal`. Other clusters in
 * the file are kept. It is written as JSON, which every reader of YAML reads too, unless it is there and somebody wrote YAML.
 * @param server `https://127.0.0.1:7443`
 * @throws Error when the file is there and is no kubeconfig; it is left as it is.
 */
export async function writeKubeconfig(file: string, server: string, pki: Pki): Promise<void> {
  const text = await readIfThere(file);
  // A link stays one: people keep the file it leads to elsewhere.
  const place = text === undefined ? file : await realpath(file);
  const existing = readConfig(file, text);
  const authority = Buffer.from(pki.authority).toString("base64");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    ...existing,
    clusters: withEntry(existing.clusters, {
      name: contextName,
      cluster: { server, "certificate-authority-data": authority },
    }),
    users: withEntry(existing.users, { name: contextName, user: { token: pki.token } }),
    contexts: withEntry(existing.contexts, {
      name: contextName,
      context: { cluster: contextName, user: contextName, namespace: "default" },
    }),
    "current-context": contextName,
  };
  const isYaml = text !== undefined && text.trim() !== "" && !text.trimStart().startsWith("{");
  const wanted = isYaml ? yaml().stringify(config, { lineWidth: 0 }) : `${JSON.stringify(config, null, 2)}\n`;
  // A restart needs no room on a disk that is full by then.
  if (wanted === text) return;
  await mkdir(dirname(place), { recursive: true });
  await writePrivately(place, wanted);
}

function readConfig(file: string, text: string | undefined): Entry {
  if (text === undefined || text.trim() === "") return {};
  const config: unknown = parseJsonOrYaml(text);
  if (typeof config === "object" && config !== null && "kind" in config && config.kind === "Config")
    return { ...config };
  throw new Error(`${file} is no kubeconfig and is left as it is: name another file`);
}

function withEntry(entries: unknown, entry: Entry): readonly unknown[] {
  const others = Array.isArray(entries) ? entries.filter((each) => each?.name !== entry.name) : [];
  return [...others, entry];
}
