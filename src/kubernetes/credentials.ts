import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { type Clock, type Instant, later, parseTime } from "../time/clock.ts";
import type { CredentialSource, Credentials } from "./http-transport.ts";
import { KubeconfigError } from "./kubeconfig-file.ts";

/** Tokens in files are replaced from time to time by whoever issued them. */
const tokenFileSeconds = 60;
/** Credentials are renewed that long before they expire, so that none expires on its way to the server. */
const renewBeforeSeconds = 30;
const execTimeoutMilliseconds = 60_000;

/** Credentials that never change. */
export function fixedCredentials(credentials: Credentials): CredentialSource {
  return { current: () => Promise.resolve(credentials), refused: () => false };
}

/** A bearer token from a file that is read again from time to time. */
export function tokenFile(path: string, clock: Clock): CredentialSource {
  return renewed(clock, async () => {
    const token = await readFile(path, "utf8").catch((cause: unknown) => {
      throw new KubeconfigError(`${path}: this token file cannot be read; does it exist?`, { cause });
    });
    return { credentials: bearer(token.trim()), until: later(clock.now(), tokenFileSeconds) };
  });
}

export function bearer(token: string): Credentials {
  return { authorization: `Bearer ${token}` };
}

/** How a kubeconfig's `exec` asks another program for credentials. */
export interface ExecPlugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Besides this process's own. */
  readonly env: Readonly<Record<string, string>>;
  readonly installHint: string | undefined;
  /** Told to the program when `provideClusterInfo` asks for it. */
  readonly cluster: object | undefined;
}

/** Credentials from a program; kept until they expire or are refused. */
export function execCredentials(plugin: ExecPlugin, clock: Clock): CredentialSource {
  return renewed(clock, async () => readExecCredential(plugin, await run(plugin)));
}

interface Renewal {
  readonly credentials: Credentials;
  /** Absent: until they are refused. */
  readonly until?: Instant;
}

function renewed(clock: Clock, renew: () => Promise<Renewal>): CredentialSource {
  let held: Promise<Credentials> | undefined;
  let until: Instant | undefined;
  const start = async (): Promise<Credentials> => {
    const renewal = await renew();
    until = renewal.until;
    return renewal.credentials;
  };
  return {
    current() {
      if (held === undefined || (until !== undefined && clock.now() >= until)) {
        until = undefined;
        const starting = start();
        held = starting;
        // A failure is told to those who wait for it now; the next one asks again.
        starting.catch(() => {
          if (held === starting) held = undefined;
        });
      }
      return held;
    },
    refused() {
      held = undefined;
      return true;
    },
  };
}

function run({ apiVersion, command, args, env, installHint, cluster }: ExecPlugin): Promise<string> {
  const info = { apiVersion, kind: "ExecCredential", spec: { interactive: false, cluster } };
  const environment = { ...process.env, ...env, KUBERNETES_EXEC_INFO: JSON.stringify(info) };
  return new Promise((resolve, reject) => {
    const options = { env: environment, timeout: execTimeoutMilliseconds, maxBuffer: 1 << 20 };
    execFile(command, args, options, (cause, stdout, stderr) => {
      if (cause === null) return resolve(stdout);
      const isMissing = cause.code === "ENOENT";
      const because = isMissing ? "is not installed" : `failed: ${stderr.trim() || cause.message}`;
      const hint = isMissing && installHint !== undefined ? `\n${installHint.trim()}` : "";
      reject(new KubeconfigError(`credential plugin ${command} ${because}${hint}`, { cause }));
    });
  });
}

function readExecCredential({ apiVersion, command }: ExecPlugin, output: string): Renewal {
  const refuse = (because: string): never => {
    throw new KubeconfigError(`credential plugin ${command} ${because}`);
  };
  const answer = parseJson(output) ?? refuse("did not write JSON");
  if (answer.kind !== "ExecCredential" || answer.apiVersion !== apiVersion) {
    refuse(`wrote no ExecCredential of ${apiVersion}`);
  }
  const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp } = answer.status ?? {};
  if (token === undefined && (cert === undefined || key === undefined)) {
    refuse("gave neither a token nor a client certificate");
  }
  const credentials = {
    ...(token === undefined ? {} : bearer(token)),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
  const expires = expirationTimestamp === undefined ? undefined : parseTime(expirationTimestamp);
  return expires === undefined
    ? { credentials }
    : { credentials, until: later(expires, -renewBeforeSeconds) };
}

interface ExecCredential {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly status?: {
    readonly token?: string;
    readonly clientCertificateData?: string;
    readonly clientKeyData?: string;
    readonly expirationTimestamp?: string;
  };
}

function parseJson(text: string): ExecCredential | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as ExecCredential) : undefined;
  } catch {
    return undefined;
  }
}
