import { basename, dirname, join } from "node:path";
import { contextName, leaveKubeconfig, otherServerNamed } from "../api-server/http/kubeconfig.ts";
import { readIfThere } from "../whole-file.ts";
import type { ClusterRecord } from "./cluster-record.ts";
import { type DataFolder, defaultDataFolder } from "./data-folder.ts";

export interface ContextWanted {
  readonly data: DataFolder;
  /** Asked for. */
  readonly name?: string | undefined;
  /** Other people's clusters may be in this file. */
  readonly kubeconfig?: string | undefined;
  readonly server: string;
  readonly last: ClusterRecord | undefined;
}

/**
 * The name of a cluster in kubeconfigs: what was asked for, else what it had, else `teal`, or `teal-` and the name of its folder
 * where the file has another cluster of that name.
 * @throws Error when no name is left, or the file is no kubeconfig.
 */
export async function contextFor({ data, name, kubeconfig, server, last }: ContextWanted): Promise<string> {
  const usual = last?.context ?? contextName;
  const names = name === undefined ? new Set([usual, contextName, folderContext(data)]) : new Set([name]);
  if (kubeconfig === undefined) return name ?? usual;
  const own = last === undefined ? [server] : [server, last.server];
  let taken = "";
  for (const each of names) {
    const other = await otherServerNamed(kubeconfig, each, own);
    if (other === undefined) return each;
    taken = `"${each}"${other === "" ? "" : `, at ${other}`}`;
  }
  throw new Error(`${kubeconfig} has another cluster named ${taken}: give this one another name with --name`);
}

/** Takes a cluster that has stopped out of the kubeconfig that it was written into, besides its own. */
export async function leaveKubeconfigOf(
  { pki }: DataFolder,
  { kubeconfig, context = contextName }: Pick<ClusterRecord, "kubeconfig" | "context">,
): Promise<void> {
  const authority = readIfThere(join(pki, "ca.crt"));
  if (kubeconfig !== undefined && authority !== undefined)
    await leaveKubeconfig(kubeconfig, authority, context);
}

function folderContext({ path }: DataFolder): string {
  const folder = basename(path) === defaultDataFolder ? dirname(path) : path;
  return `${contextName}-${basename(folder).replaceAll(/[^\w.-]/g, "-")}`;
}
