import { spawn } from "node:child_process";
import { type Clock, later, parseTime } from "../time/clock.ts";
import { bearer, type CredentialSource, type Renewal, renewedCredentials } from "./credentials.ts";
import { isRecord } from "./is-record.ts";
import { KubeconfigError } from "./kubeconfig-file.ts";

/** Credentials are renewed that long before they expire, so that none expires on its way to the server. */
const renewBeforeSeconds = 30;
const timeoutSeconds = 60;
/** Somebody has to open a browser, find a password, or touch a key. */
const interactiveTimeoutSeconds = 600;
/** How long after the plugin's end what it has started may keep its output open. */
const outputSeconds = 1;
const longestOutput = 1 << 20;
/** So much of what it tells people is passed on, so that a plugin in a loop does not fill their disk. Characters. */
const longestTold = 64 * 1024;
const longestComplaint = 2000;

/** How a kubeconfig's `exec` asks another program for credentials. */
export interface ExecPlugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Besides this process's own. */
  readonly env: Readonly<Record<string, string>>;
  readonly installHint: string | undefined;
  /** Whether it may, or has to, ask the person who sits at the terminal; `IfAvailable` when absent. */
  readonly interactiveMode?: "Never" | "IfAvailable" | "Always" | undefined;
  /** Told to the program when `provideClusterInfo` asks for it. */
  readonly cluster: object | undefined;
}

export interface ExecOptions {
  readonly clock: Clock;
  /** Whether somebody sits at this process's standard input; as it is when absent. */
  readonly isTerminal?: boolean | undefined;
  /** Takes what the program writes for people (how to log in, what has expired), as it comes; to this process's own when absent. */
  readonly stderr?: ((text: string) => void) | undefined;
}

/** Credentials from a program; kept until they expire or are refused. */
export function execCredentials(plugin: ExecPlugin, options: ExecOptions): CredentialSource {
  return renewedCredentials(options.clock, async () =>
    readExecCredential(plugin, await run(plugin, options)),
  );
}

/** Answers what the program has written to its standard output. */
function run(plugin: ExecPlugin, options: ExecOptions): Promise<string> {
  const { apiVersion, command, args, env, installHint, interactiveMode = "IfAvailable", cluster } = plugin;
  const { clock, isTerminal = process.stdin.isTTY, stderr = (text) => process.stderr.write(text) } = options;
  if (interactiveMode === "Always" && !isTerminal)
    throw new KubeconfigError(
      `credential plugin ${command} has to ask somebody, and there is no terminal; log in with it in one first`,
    );
  const interactive = interactiveMode !== "Never" && isTerminal;
  const info = { apiVersion, kind: "ExecCredential", spec: { interactive, cluster } };
  const environment = { ...process.env, ...env, KUBERNETES_EXEC_INFO: JSON.stringify(info) };
  const child = spawn(command, args, {
    env: environment,
    stdio: [interactive ? "inherit" : "ignore", "pipe", "pipe"],
  });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let output = "";
  let complaint = "";
  const finish = (failure?: string, cause?: unknown): void => {
    cancelTimeout();
    cancelOutput();
    child.stdout.destroy();
    child.stderr.destroy();
    if (failure === undefined) resolve(output);
    else reject(new KubeconfigError(`credential plugin ${command} ${failure}`, { cause }));
  };
  const kill = (failure: string): void => {
    child.kill("SIGKILL");
    finish(failure);
  };
  const seconds = interactive ? interactiveTimeoutSeconds : timeoutSeconds;
  const cancelTimeout = clock.at(later(clock.now(), seconds), () =>
    kill(`has not answered within ${seconds} s${complaint === "" ? "" : `: ${complaint.trim()}`}`),
  );
  let cancelOutput = (): void => {};
  let told = 0;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    if (output.length > longestOutput) kill("wrote more than any credentials have");
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-longestComplaint);
    if (told >= longestTold) return;
    stderr(text.slice(0, longestTold - told));
    told += text.length;
    if (told >= longestTold) stderr(`\ncredential plugin ${command}: what else it says is left out\n`);
  });
  child.on("error", (cause: NodeJS.ErrnoException) => {
    const hint = installHint === undefined ? "" : `\n${installHint.trim()}`;
    finish(cause.code === "ENOENT" ? `is not installed${hint}` : `failed: ${cause.message}`, cause);
  });
  const ended = (code: number | null, signal: string | null): void => {
    if (code === 0) return finish();
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
    finish(`failed: ${complaint.trim() || `it ended ${how}`}`);
  };
  child.on("close", ended);
  child.on("exit", (code, signal) => {
    cancelOutput = clock.at(later(clock.now(), outputSeconds), () => ended(code, signal));
  });
  return promise;
}

function readExecCredential({ apiVersion, command }: ExecPlugin, output: string): Renewal {
  const refuse = (because: string): never => {
    throw new KubeconfigError(`credential plugin ${command} ${because}`);
  };
  const answer = parseJson(output) ?? refuse("did not write JSON");
  if (answer["kind"] !== "ExecCredential" || answer["apiVersion"] !== apiVersion) {
    refuse(`wrote no ExecCredential of ${apiVersion}`);
  }
  const status = isRecord(answer["status"]) ? answer["status"] : {};
  const text = (field: string): string | undefined => {
    const value = status[field] ?? "";
    return typeof value === "string" ? value || undefined : refuse(`wrote a ${field} that is no text`);
  };
  const [token, cert, key] = [text("token"), text("clientCertificateData"), text("clientKeyData")];
  if (token === undefined && (cert === undefined || key === undefined)) {
    refuse("gave neither a token nor a client certificate");
  }
  const credentials = {
    ...(token === undefined ? {} : bearer(token, `credential plugin ${command}`)),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
  const expires = parseTime(text("expirationTimestamp") ?? "");
  return { credentials, until: expires === undefined ? undefined : later(expires, -renewBeforeSeconds) };
}

function parseJson(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
