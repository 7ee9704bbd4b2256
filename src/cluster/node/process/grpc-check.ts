import { connect } from "node:http2";
import { type Clock, later } from "../../../time/clock.ts";
import type { CheckResult } from "../pod-driver.ts";

// The protocol is grpc.health.v1: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
const path = "/grpc.health.v1.Health/Check";
const statuses = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
const unimplemented = "12";
/** Of a message: one byte whether it is compressed, four for its length. */
const prefixBytes = 5;
const longestAnswer = 64 * 1024;

/** Asks a server over gRPC whether its service is healthy; the empty name is the whole server. */
export function checkGrpc(
  clock: Clock,
  { host, port }: { readonly host: string; readonly port: number },
  service: string,
  timeoutSeconds: number,
): Promise<CheckResult> {
  return new Promise((resolve) => {
    const session = connect(`http://${host}:${port}`);
    const finish = (result: CheckResult): void => {
      cancel();
      resolve(result);
      session.destroy();
    };
    const unhealthy = (message: string): void => finish({ healthy: false, message });
    const cancel = clock.at(later(clock.now(), timeoutSeconds), () =>
      unhealthy(
        `timeout: failed to connect service "${host}:${port}" within ${timeoutSeconds}s: context deadline exceeded`,
      ),
    );
    let isConnected = false;
    session.once("connect", () => {
      isConnected = true;
    });
    const failed = (error: Error): void => {
      const why = error.cause instanceof Error ? error.cause.message : error.message;
      if (isConnected) unhealthy(`error: health rpc failed: ${why}`);
      else unhealthy(`error: failed to connect service at "${host}:${port}": ${why}`);
    };
    session.on("error", failed);
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      "user-agent": "kube-probe/1.34",
      te: "trailers",
    });
    let answer = Buffer.alloc(0);
    let code: string | undefined;
    const readCode = (headers: Readonly<Record<string, unknown>>): void => {
      const value = headers["grpc-status"];
      if (typeof value === "string") code = value;
    };
    stream.on("response", readCode);
    stream.on("trailers", readCode);
    stream.on("data", (piece: Buffer) => {
      if (answer.length < longestAnswer) answer = Buffer.concat([answer, piece]);
    });
    stream.on("error", failed);
    stream.on("end", () => {
      if (code === unimplemented)
        unhealthy("error: this server does not implement the grpc health protocol (grpc.health.v1.Health)");
      else if (code !== "0") unhealthy(`error: health rpc failed: rpc error: code = ${code ?? "none"}`);
      else {
        const status = statusIn(answer);
        if (status === 1) finish({ healthy: true });
        else unhealthy(`service unhealthy (responded with "${statuses[status] ?? status}")`);
      }
    });
    stream.end(requestFor(service));
  });
}

/** A `HealthCheckRequest`: field 1, the service's name. */
function requestFor(service: string): Buffer {
  const name = Buffer.from(service);
  const message =
    name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name]);
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Of a `HealthCheckResponse`: field 1, a number; 0 when it is left out. */
function statusIn(answer: Buffer): number {
  const [tag, value = 0] = answer.subarray(prefixBytes);
  return tag === 0x08 ? value : 0;
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}
