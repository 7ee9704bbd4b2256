import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { Clock } from "../time/clock.ts";
import { SystemClock } from "../time/system-clock.ts";
import {
  bearer,
  type CredentialFiles,
  type CredentialSource,
  combinedCredentials,
  fileCredentials,
  fixedCredentials,
} from "./credentials.ts";
import { type ExecPlugin, execCredentials } from "./exec-plugin.ts";
import { HttpTransport } from "./http-transport.ts";
import {
  type Content,
  type Entry,
  type Kubeconfig,
  KubeconfigError,
  readKubeconfig,
} from "./kubeconfig-file.ts";
import { proxyFromEnvironment, proxySchemes } from "./proxy.ts";

const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";
const execVersions = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];
const interactiveModes = ["Never", "IfAvailable", "Always"] as const;

export interface ConnectOptions {
  /** One file. Otherwise the files in $KUBECONFIG, `~/.kube/config`, or the service account of the pod, whichever is there first. */
  readonly kubeconfig?: string | undefined;
  /** The kubeconfig's current context when absent. */
  readonly context?: string | undefined;
  readonly clock?: Clock;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where a pod finds its service account. */
  readonly serviceAccountFolder?: string;
  /** Takes what a credential plugin writes for people; to this process's own standard error when absent. */
  readonly stderr?: (text: string) => void;
}

type Environment = Readonly<Record<string, string | undefined>>;

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
  if (files.length > 0) return fromKubeconfig(readKubeconfig(files), options, env, clock);
  if (env["KUBERNETES_SERVICE_HOST"] !== undefined) return inCluster(env, folder, clock);
  throw new KubeconfigError(
    "no kubeconfig found: use --kubeconfig FILE, set KUBECONFIG, or start a cluster with `teal up`",
  );
}

function kubeconfigFiles(explicit: string | undefined, env: Environment): readonly string[] {
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

function fromKubeconfig(
  config: Kubeconfig,
  options: ConnectOptions,
  env: Environment,
  clock: Clock,
): Connection {
  const files = config.files.join(", ");
  const name = options.context ?? config.currentContext;
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
  const tlsServerName = cluster.text("tls-server-name");
  const sources = [
    contentsOf({ ca: cluster.content("certificate-authority") }, clock),
    ...(user === undefined ? [] : credentialsOf(user, cluster, options, clock)),
  ];
  const transport = new HttpTransport({
    server,
    clock,
    proxy: proxyOf(cluster, server, env),
    insecureSkipTlsVerify: cluster.isTrue("insecure-skip-tls-verify"),
    credentials: combinedCredentials(sources),
    ...(tlsServerName === undefined ? {} : { tlsServerName }),
  });
  return { transport, server, namespace: context.text("namespace") ?? "default", context: name };
}

/** The cluster's own proxy, or else that of the environment. */
function proxyOf(cluster: Entry, server: string, env: Environment): URL | undefined {
  const text = cluster.text("proxy-url");
  if (text === undefined) return environmentProxy(server, env);
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy === undefined || !proxySchemes.includes(proxy.protocol))
    cluster.refuse("proxy-url", `has to be an address like http://proxy:3128, not ${text}`);
  return proxy;
}

function environmentProxy(server: string, env: Environment): URL | undefined {
  try {
    return proxyFromEnvironment(new URL(server), env);
  } catch (cause) {
    throw new KubeconfigError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function serverOf(cluster: Entry): string {
  const server = cluster.text("server") ?? cluster.refuse("server", "is missing");
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url?.protocol !== "https:" && url?.protocol !== "http:") {
    cluster.refuse("server", `has to be an address like https://host:6443, not ${server}`);
  }
  return server;
}

function credentialsOf(
  user: Entry,
  cluster: Entry,
  options: ConnectOptions,
  clock: Clock,
): readonly CredentialSource[] {
  const cert = user.content("client-certificate");
  const key = user.content("client-key");
  if (cert !== undefined && key === undefined) user.refuse("client-key", "is missing");
  if (cert === undefined && key !== undefined) user.refuse("client-certificate", "is missing");
  const certificate = contentsOf({ cert, key }, clock);
  const token = user.text("token");
  const tokenPath = user.path("tokenFile");
  const name = user.text("username");
  const exec = user.entry("exec");
  if (user.entry("auth-provider") !== undefined) {
    user.refuse("auth-provider", "is not supported; use an exec credential plugin instead");
  }
  if (tokenPath !== undefined) return [certificate, fileCredentials({ authorization: tokenPath }, clock)];
  if (token !== undefined) return [certificate, fixedCredentials(bearer(token, user.nameOf("token")))];
  if (name !== undefined) {
    const pair = Buffer.from(`${name}:${user.text("password") ?? ""}`).toString("base64");
    return [certificate, fixedCredentials({ authorization: `Basic ${pair}` })];
  }
  if (exec === undefined) return [certificate];
  return [certificate, execCredentials(pluginOf(exec, cluster), { clock, stderr: options.stderr })];
}

/** Contents that are in the kubeconfig itself stay as they are; those of files are read again from time to time. */
function contentsOf(
  contents: { readonly [Part in "ca" | "cert" | "key"]?: Content | undefined },
  clock: Clock,
): CredentialSource {
  const fixed: { [part: string]: string } = {};
  const files: { [part: string]: string } = {};
  for (const [part, content] of Object.entries(contents)) {
    if (content?.path !== undefined) files[part] = content.path;
    else if (content !== undefined) fixed[part] = content.text;
  }
  const isFixed = Object.keys(files).length === 0;
  if (isFixed) return fixedCredentials(fixed);
  return combinedCredentials([fixedCredentials(fixed), fileCredentials(files as CredentialFiles, clock)]);
}

function pluginOf(exec: Entry, cluster: Entry): ExecPlugin {
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
  const ca = cluster.content("certificate-authority")?.text;
  const info = {
    server: cluster.text("server"),
    "tls-server-name": cluster.text("tls-server-name"),
    "insecure-skip-tls-verify": cluster.isTrue("insecure-skip-tls-verify"),
    "proxy-url": cluster.text("proxy-url"),
    ...(ca === undefined ? {} : { "certificate-authority-data": Buffer.from(ca).toString("base64") }),
  };
  const mode = exec.text("interactiveMode");
  const interactiveMode = interactiveModes.find((known) => known === mode);
  if (mode !== undefined && interactiveMode === undefined)
    exec.refuse("interactiveMode", `has to be one of ${interactiveModes.join(", ")}, not ${mode}`);
  return {
    apiVersion,
    command: exec.command("command"),
    args: exec.list("args").map(String),
    env,
    installHint: exec.text("installHint"),
    interactiveMode,
    cluster: exec.isTrue("provideClusterInfo") ? info : undefined,
  };
}

function inCluster(env: Environment, folder: string, clock: Clock): Connection {
  const host = env["KUBERNETES_SERVICE_HOST"] ?? "";
  const port = env["KUBERNETES_SERVICE_PORT"] ?? "443";
  const server = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const ca = join(folder, "ca.crt");
  readServiceAccountFile(ca);
  const namespace = readServiceAccountFile(join(folder, "namespace")).trim();
  const credentials = fileCredentials({ authorization: join(folder, "token"), ca }, clock);
  const proxy = environmentProxy(server, env);
  return { transport: new HttpTransport({ server, credentials, proxy, clock }), server, namespace };
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
