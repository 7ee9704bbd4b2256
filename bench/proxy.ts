// Teal's Service proxy side by side with one made of Node's stock HTTP client and server: requests per second and processor
// time of the proxy process per request. Run with `node bench/proxy.ts`; takes about 50 s.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("./proxy-process.ts", import.meta.url));
const rounds = 3;
const warmUpSeconds = 1;
const roundSeconds = 3;
const kinds = [
  { kind: "kept", connections: 16, title: "kept connections (16)" },
  { kind: "post", connections: 16, title: "POST on kept connections (16)" },
  { kind: "new", connections: 8, title: "a new connection for each request (8)" },
] as const;

interface Measured {
  readonly requestsPerSecond: number;
  readonly microsecondsPerRequest: number;
}

function start(role: string, ...parameters: readonly (string | number)[]): ChildProcess {
  return fork(program, [role, ...parameters.map(String)], { execArgv: [] });
}

async function answerOf(child: ChildProcess): Promise<number> {
  const [answer] = (await once(child, "message")) as [number];
  return answer;
}

async function cpuMicroseconds(child: ChildProcess): Promise<number> {
  child.send("cpu");
  return answerOf(child);
}

async function load(port: number, connections: number, seconds: number, kind: string): Promise<number> {
  const generator = start("load", port, connections, seconds, kind);
  const answered = await answerOf(generator);
  generator.disconnect();
  return answered;
}

async function measure(
  proxy: ChildProcess,
  port: number,
  connections: number,
  kind: string,
): Promise<Measured> {
  await load(port, connections, warmUpSeconds, kind);
  const before = await cpuMicroseconds(proxy);
  const answered = await load(port, connections, roundSeconds, kind);
  const spent = (await cpuMicroseconds(proxy)) - before;
  return { requestsPerSecond: answered / roundSeconds, microsecondsPerRequest: spent / answered };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const backend = start("backend");
const backendPort = await answerOf(backend);
const proxies = ["teal", "stock-node"].map((role) => ({ role, process: start(role, backendPort) }));
const ports = await Promise.all(proxies.map((proxy) => answerOf(proxy.process)));

for (const { kind, connections, title } of kinds) {
  console.log(title);
  const results = new Map<string, Measured[]>(proxies.map(({ role }) => [role, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [index, { role, process }] of proxies.entries()) {
      results.get(role)?.push(await measure(process, ports[index] ?? 0, connections, kind));
    }
  }
  const medians = [...results].map(([role, measured]) => ({
    role,
    requests: median(measured.map((one) => one.requestsPerSecond)),
    cpu: median(measured.map((one) => one.microsecondsPerRequest)),
  }));
  for (const { role, requests, cpu } of medians) {
    console.log(
      `  ${role.padEnd(12)} ${requests.toFixed(0).padStart(7)} requests/s ${cpu.toFixed(1).padStart(7)} µs/request`,
    );
  }
  const [teal, rival] = medians;
  if (teal === undefined || rival === undefined) throw new Error("nothing was measured");
  console.log(
    `  ratio: ${(teal.requests / rival.requests).toFixed(2)}x the requests, ${(teal.cpu / rival.cpu).toFixed(2)}x the processor time`,
  );
}
for (const { process } of proxies) process.disconnect();
backend.disconnect();
