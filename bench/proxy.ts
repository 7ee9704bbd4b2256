// Teal's Service proxy side by side with nginx, where that is installed, and with one made of Node's stock HTTP client and server:
// requests per second, processor time of the proxy per request, and how long 99 % of requests take at most, beside going to the
// backend directly. Run with `node bench/proxy.ts`; takes about 80 s.
import { type ChildProcess, fork, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
  /** Milliseconds. */
  readonly p99: number;
}

interface Proxy {
  readonly role: string;
  readonly port: number;
  /** Processor time so far, microseconds. */
  cpu(): Promise<number>;
  end(): void;
}

function start(role: string, ...parameters: readonly (string | number)[]): ChildProcess {
  return fork(program, [role, ...parameters.map(String)], { execArgv: [] });
}

async function answerOf<T>(child: ChildProcess): Promise<T> {
  const [answer] = (await once(child, "message")) as [T];
  return answer;
}

async function load(
  port: number,
  connections: number,
  seconds: number,
  kind: string,
): Promise<{ readonly answered: number; readonly p99: number }> {
  const generator = start("load", port, connections, seconds, kind);
  const result = await answerOf<{ answered: number; p99: number }>(generator);
  generator.disconnect();
  return result;
}

async function measure(proxy: Proxy, connections: number, kind: string): Promise<Measured> {
  await load(proxy.port, connections, warmUpSeconds, kind);
  const before = await proxy.cpu();
  const { answered, p99 } = await load(proxy.port, connections, roundSeconds, kind);
  const spent = (await proxy.cpu()) - before;
  return { requestsPerSecond: answered / roundSeconds, microsecondsPerRequest: spent / answered, p99 };
}

async function ownProxy(role: string, backendPort: number): Promise<Proxy> {
  const child = start(role, backendPort);
  const port = await answerOf<number>(child);
  const cpu = (): Promise<number> => {
    child.send("cpu");
    return answerOf<number>(child);
  };
  return { role, port, cpu, end: () => child.disconnect() };
}

/** One worker that keeps connections to the backend, as Teal does. Undefined where there is no nginx. */
async function nginx(backendPort: number): Promise<Proxy | undefined> {
  if (spawnSync("nginx", ["-v"]).error !== undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "teal-nginx-"));
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr crit;
    events { worker_connections 1024; }
    http {
      access_log off; keepalive_requests 1000000000;
      client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/f;
      uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
      upstream pod { server 127.0.0.1:${backendPort}; keepalive 64; keepalive_requests 1000000000; }
      server { listen 127.0.0.1:${port}; location / {
        proxy_pass http://pod; proxy_http_version 1.1; proxy_set_header Connection ""; } }
    }`,
  );
  const master = spawn("nginx", ["-c", join(folder, "nginx.conf"), "-p", folder], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  const cpu = async (): Promise<number> => {
    const children = readFileSync(`/proc/${master.pid}/task/${master.pid}/children`, "utf8")
      .trim()
      .split(" ");
    return children.reduce((sum, pid) => sum + cpuOf(pid), 0);
  };
  const connectable = async (): Promise<boolean> => {
    const socket = connect(port, "127.0.0.1");
    return once(socket, "connect").then(
      () => socket.destroy() !== undefined,
      () => false,
    );
  };
  while (!(await connectable())) if (master.exitCode !== null) throw new Error("nginx has not started");
  const end = (): void => {
    master.once("exit", () => rmSync(folder, { recursive: true }));
    master.kill("SIGTERM");
  };
  return { role: "nginx", port, cpu, end };
}

/** User and system time of a process, microseconds; Linux counts in hundredths of a second. */
function cpuOf(pid: string): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const backend = start("backend");
const backendPort = await answerOf<number>(backend);
const direct: Proxy = { role: "no proxy", port: backendPort, cpu: async () => 0, end: () => undefined };
const rival = await nginx(backendPort);
if (rival === undefined) console.log("nginx is not installed: left out");
const proxies = [
  direct,
  await ownProxy("teal", backendPort),
  ...(rival === undefined ? [] : [rival]),
  await ownProxy("stock-node", backendPort),
];

for (const { kind, connections, title } of kinds) {
  console.log(title);
  const results = new Map<string, Measured[]>(proxies.map(({ role }) => [role, []]));
  for (let round = 0; round < rounds; round++)
    for (const proxy of proxies) results.get(proxy.role)?.push(await measure(proxy, connections, kind));
  const medians = [...results].map(([role, measured]) => ({
    role,
    requests: median(measured.map((one) => one.requestsPerSecond)),
    cpu: median(measured.map((one) => one.microsecondsPerRequest)),
    p99: median(measured.map((one) => one.p99)),
  }));
  const teal = medians.find(({ role }) => role === "teal");
  if (teal === undefined) throw new Error("nothing was measured");
  for (const { role, requests, cpu, p99 } of medians) {
    const ratio =
      role === "teal" || cpu === 0 ? "" : `  Teal takes ${(teal.cpu / cpu).toFixed(2)}x its processor time`;
    console.log(
      `  ${role.padEnd(12)} ${requests.toFixed(0).padStart(7)} requests/s ${cpu.toFixed(1).padStart(7)} µs/request  p99 ${p99.toFixed(2)} ms${ratio}`,
    );
  }
}
for (const proxy of proxies) proxy.end();
backend.disconnect();
