import { spawn } from "node:child_process";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { connect } from "node:net";
import type { Probe } from "../../../api/core.ts";
import { type Clock, later } from "../../../time/clock.ts";
import type { CheckResult } from "../pod-driver.ts";
import type { ProcessPlan } from "./container-process.ts";
import { signalGroup } from "./process-group.ts";

const healthy: CheckResult = { healthy: true };
const longestOutput = 10 * 1024;

/** Any answer from 200 to 399 is healthy; a redirect is not followed. */
export function checkHttp(
  clock: Clock,
  probe: NonNullable<Probe["httpGet"]>,
  address: { readonly host: string; readonly port: number },
  timeoutSeconds: number,
): Promise<CheckResult> {
  const { path = "/", scheme = "HTTP", httpHeaders = [] } = probe;
  const isSecure = scheme.toUpperCase() === "HTTPS";
  const { host, port } = address;
  const url = `${isSecure ? "https" : "http"}://${host}:${port}${path.startsWith("/") ? path : `/${path}`}`;
  const headers: Record<string, string> = {
    "user-agent": "kube-probe/1.34",
    accept: "*/*",
    connection: "close",
  };
  for (const { name, value } of httpHeaders) headers[name.toLowerCase()] = value;
  const unhealthy = (why: string): CheckResult => ({ healthy: false, message: `Get "${url}": ${why}` });
  return new Promise((resolve) => {
    const request = (isSecure ? requestHttps : requestHttp)(url, {
      agent: false,
      headers,
      // Kubernetes does not verify a pod's certificate either.
      ...(isSecure ? { rejectUnauthorized: false } : {}),
    });
    const finish = (result: CheckResult): void => {
      cancel();
      resolve(result);
      request.destroy();
    };
    const cancel = clock.at(later(clock.now(), timeoutSeconds), () =>
      finish(unhealthy("context deadline exceeded (Client.Timeout exceeded while awaiting headers)")),
    );
    request.on("response", ({ statusCode = 0 }) =>
      finish(
        statusCode >= 200 && statusCode < 400
          ? healthy
          : { healthy: false, message: `HTTP probe failed with statuscode: ${statusCode}` },
      ),
    );
    request.on("error", (error) => finish(unhealthy(explain(error, host, port))));
    request.end();
  });
}

export function checkTcp(
  clock: Clock,
  { host, port }: { readonly host: string; readonly port: number },
  timeoutSeconds: number,
): Promise<CheckResult> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    const finish = (result: CheckResult): void => {
      cancel();
      resolve(result);
      socket.destroy();
    };
    const cancel = clock.at(later(clock.now(), timeoutSeconds), () =>
      finish({ healthy: false, message: `dial tcp ${host}:${port}: i/o timeout` }),
    );
    socket.on("connect", () => finish(healthy));
    socket.on("error", (error) => finish({ healthy: false, message: explain(error, host, port) }));
  });
}

/** Runs a command, `words` of a manifest, as it is planned to run beside the container; exit code 0 is healthy. */
export function checkCommand(
  clock: Clock,
  plan: ProcessPlan,
  words: readonly string[],
  timeoutSeconds: number,
): Promise<CheckResult> {
  const [program = "", ...args] = plan.command;
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: plan.folder,
      env: plan.environment,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        if (output.length < longestOutput) output += text;
      });
    }
    const finish = (result: CheckResult): void => {
      cancel();
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(result);
    };
    const cancel = clock.at(later(clock.now(), timeoutSeconds), () => {
      if (child.pid !== undefined) signalGroup(child.pid, "SIGKILL");
      const message = `command timed out: "${words.join(" ")}" timed out after ${timeoutSeconds}s`;
      finish({ healthy: false, message });
    });
    child.on("error", (error) =>
      finish({ healthy: false, message: `cannot run "${program}": ${error.message}` }),
    );
    child.on("close", (code) => finish(code === 0 ? healthy : { healthy: false, message: output }));
  });
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): string {
  if (error.code === "ECONNREFUSED") return `dial tcp ${host}:${port}: connect: connection refused`;
  if (error.code === "ECONNRESET") return "read: connection reset by peer";
  return error.message;
}
