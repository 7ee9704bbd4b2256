import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { Clock } from "../time/clock.ts";
import { SystemClock } from "../time/system-clock.ts";
import { bearer, execCredentials, fixedCredentials, tokenFile } from "./credentials.ts";
import { type CredentialSource, HttpTransport } from "./http-transport.ts";
import { type Entry, type Kubeconfig, KubeconfigError, readKubeconfig } from "./kubeconfig-file.ts";

const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";
const execVersions = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

export interface ConnectOptions {
  /** One file. Otherwise the files in $KUBECONFIG, `~/.kube/config`, or the service account of the pod, whichever is there first. */
  readonly kubeconfig?: string | undefined;
  /** The kubeconfig's current context when absent. */
  readonly context?: string | undefined;
  readonly clock?: Clock;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where a pod finds its service account. */
  readonly serviceAccountFolder?: string;
}

/** A way to a cluster, and what a kubeconfig says besides. */
export interface Connection {
  readonly transport: HttpTransport;
  /** Address of the API server. */
  readonly server: string;
  /** The namespace that is meant when none is given. */
  readonly namespace: string;
  /** Absent in a pod. */
  readonly context?: string;
}

/** Reads how to reach the cluster; nothing is sent yet. Throws `KubeconfigError` with file, field and way out. */
export function transportFor(options: ConnectOptions = {}): Connection {
  const env = options.env ?? process.env;
  const clock = options.clock ?? new SystemClock();
  const folder = options.serviceAccountFolder ?? serviceAccount;
  const files = kubeconfigFiles(options.kubeconfig, env);
  if (files.length > 0) return fromKubeconfig(readKubeconfig(files), options.context, clock);
  if (env["KUBERNETES_SERVICE_HOST"] !== undefined) return inCluster(env, folder, clock);
  throw new KubeconfigError(
    "no kubeconfig found: use --kubeconfig FILE, set KUBECONFIG, or start a cluster with `teal up`",
  );
}

function kubeconfigFiles(
  explicit: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  if (explicit !== undefined) return [explicit];
  const named = (env["KUBECONFIG"] ?? "").split(delimiter).filter((file) => file !== "");
  if (named.length > 0) {
    // Of several files some may be missing, as kubectl allows.
    const present = named.filter((file) => existsSync(file));
    if (present.length > 0) return present;
    throw new KubeconfigError(`$KUBECONFIG names no file that exists: ${named.join(", ")}`);
  }
  const usual = join(env["HOME"] ?? homedir(), ".kube", "config");
  return existsSync(usual) ? [usual] : [];
}

function fromKubeconfig(config: Kubeconfig, wanted: string | undefined, clock: Clock): Connection {
  const files = config.files.join(", ");
  const name = wanted ?? config.currentContext;
  if (name === undefined) {
    throw new KubeconfigError(
      `${files}: current-context is not set; use --context with one of: ${names(config.contexts)}`,
    );
  }
  const context = find(config.contexts, name, files, "context");
  const clusterName = context.text("cluster") ?? context.refuse("cluster", "is missing");
  const userName = context.text("user");
  const cluster = find(config.clusters, clusterName, files, "cluster");
  const user = userName === undefined ? undefined : find(config.users, userName, files, "user");
  const server = serverOf(cluster);
  if (cluster.text("proxy-url") !== undefined) {
    cluster.refuse("proxy-url", "is not supported; use a server address that can be reached without a proxy");
  }
  const ca = cluster.content("certificate-authority");
  const tlsServerName = cluster.text("tls-server-name");
  const transport = new HttpTransport({
    server,
    clock,
    insecureSkipTlsVerify: cluster.isTrue("insecure-skip-tls-verify"),
    ...(ca === undefined ? {} : { ca }),
    ...(tlsServerName === undefined ? {} : { tlsServerName }),
    ...(user === undefined ? {} : { credentials: credentialsOf(user, cluster, clock) }),
  });
  return { transport, server, namespace: context.text("namespace") ?? "default", context: name };
}

function serverOf(cluster: Entry): string {
  const server = cluster.text("server") ?? cluster.refuse("server", "is missing");
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url?.protocol !== "https:" && url?.protocol !== "http:") {
    cluster.refuse("server", `has to be an address like https://host:6443, not ${server}`);
  }
  return server;
}

function credentialsOf(user: Entry, cluster: Entry, clock: Clock): CredentialSource {
  const cert = user.content("client-certificate");
  const key = user.content("client-key");
  if (cert !== undefined && key === undefined) user.refuse("client-key", "is missing");
  if (cert === undefined && key !== undefined) user.refuse("client-certificate", "is missing");
  const certificate = cert === undefined || key === undefined ? {} : { cert, key };
  const token = user.text("token");
  const tokenPath = user.path("tokenFile");
  const name = user.text("username");
  const exec = user.entry("exec");
  if (user.entry("auth-provider") !== undefined) {
    user.refuse("auth-provider", "is not supported; use an exec credential plugin instead");
  }
  if (tokenPath !== undefined) return withCertificate(tokenFile(tokenPath, clock), certificate);
  if (token !== undefined) return fixedCredentials({ ...certificate, ...bearer(token) });
  if (name !== undefined) {
    const pair = Buffer.from(`${name}:${user.text("password") ?? ""}`).toString("base64");
    return fixedCredentials({ ...certificate, authorization: `Basic ${pair}` });
  }
  if (exec !== undefined) return withCertificate(execSource(exec, cluster, clock), certificate);
  return fixedCredentials(certificate);
}

function withCertificate(
  source: CredentialSource,
  certificate: { readonly cert?: string; readonly key?: string },
): CredentialSource {
  return {
    current: async () => ({ ...certificate, ...(await source.current()) }),
    refused: () => source.refused(),
  };
}

function execSource(exec: Entry, cluster: Entry, clock: Clock): CredentialSource {
  const apiVersion = exec.text("apiVersion") ?? exec.refuse("apiVersion", "is missing");
  if (!execVersions.includes(apiVersion)) {
    exec.refuse("apiVersion", `${apiVersion} is not supported; it has to be ${execVersions.join(" or ")}`);
  }
  const env: Record<string, string> = {};
  for (const item of exec.list("env")) {
    const { name, value } = item as { name?: unknown; value?: unknown };
    if (typeof name !== "string" || typeof value !== "string")
      exec.refuse("env", "has to list name and value");
    else env[name] = value;
  }
  const ca = cluster.content("certificate-authority");
  const info = {
    server: cluster.text("server"),
    "tls-server-name": cluster.text("tls-server-name"),
    "insecure-skip-tls-verify": cluster.isTrue("insecure-skip-tls-verify"),
    ...(ca === undefined ? {} : { "certificate-authority-data": Buffer.from(ca).toString("base64") }),
  };
  return execCredentials(
    {
      apiVersion,
      command: exec.command("command"),
      args: exec.list("args").map(String),
      env,
      installHint: exec.text("installHint"),
      cluster: exec.isTrue("provideClusterInfo") ? info : undefined,
    },
    clock,
  );
}

function inCluster(
  env: Readonly<Record<string, string | undefined>>,
  folder: string,
  clock: Clock,
): Connection {
  const host = env["KUBERNETES_SERVICE_HOST"] ?? "";
  const port = env["KUBERNETES_SERVICE_PORT"] ?? "443";
  const server = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const ca = readServiceAccountFile(join(folder, "ca.crt"));
  const namespace = readServiceAccountFile(join(folder, "namespace")).trim();
  const credentials = tokenFile(join(folder, "token"), clock);
  return { transport: new HttpTransport({ server, ca, credentials, clock }), server, namespace };
}

function readServiceAccountFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new KubeconfigError(
      `${path}: this file of the pod's service account cannot be read; is automountServiceAccountToken off?`,
      { cause },
    );
  }
}

function find(entries: ReadonlyMap<string, Entry>, name: string, files: string, kind: string): Entry {
  const entry = entries.get(name);
  if (entry !== undefined) return entry;
  throw new KubeconfigError(`${files}: there is no ${kind} named ${name}; there are: ${names(entries)}`);
}

function names(entries: ReadonlyMap<string, Entry>): string {
  return entries.size === 0 ? "none" : [...entries.keys()].join(", ");
}
