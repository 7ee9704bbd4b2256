// The weather app: one web page that tells which version and which pod has answered. No dependencies, Node 20 or newer.
import { createServer } from "node:http";
import { hostname } from "node:os";
import { weatherOf } from "./cities.js";
import { weatherPage } from "./page.js";

const version = process.env.VERSION ?? "1";
const pod = process.env.HOSTNAME ?? hostname();
const host = process.env.HOST ?? "0.0.0.0";
const port = Number(process.env.PORT ?? 5000);
const weather = weatherOf(version);

const longestSlowMs = 10_000;
// A pod is asked to go at the moment when routers are told to leave it out: for so long requests may still come.
const drainMs = Number(process.env.DRAIN_MS ?? 500);
let isDraining = false;

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://pod");
  response.setHeader("x-version", version);
  response.setHeader("x-pod", pod);
  response.setHeader("cache-control", "no-store");
  if (request.method !== "GET" && request.method !== "HEAD") {
    request.resume();
    return answer(response, 405, "text/plain", "only GET and HEAD are answered here\n");
  }
  switch (pathname) {
    case "/":
      return (request.headers.accept ?? "").includes("application/json")
        ? answerWeather(response)
        : answer(response, 200, "text/html; charset=utf-8", weatherPage({ weather, version, pod }));
    case "/api/weather":
      return answerWeather(response);
    case "/healthz":
      return answer(response, 200, "text/plain", "ok\n");
    case "/slow": {
      const ms = Number(searchParams.get("ms") ?? 300);
      const wait = Number.isFinite(ms) ? Math.min(Math.max(ms, 0), longestSlowMs) : 300;
      return setTimeout(() => answerWeather(response), wait);
    }
    default:
      return answer(response, 404, "text/plain", `nothing is at ${pathname}\n`);
  }
});

function answerWeather(response) {
  const { city, country, condition, temperature } = weather;
  const body = { city, version, pod, country, condition, temperature };
  answer(response, 200, "application/json", `${JSON.stringify(body)}\n`);
}

function answer(response, status, type, body) {
  // Decided when the answer is sent: a slow one may have begun before the end was near.
  if (isDraining) response.setHeader("connection", "close");
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) });
  response.end(body);
}

function leave() {
  if (isDraining) return;
  isDraining = true;
  console.log("asked to end: finishing what is under way");
  // close() refuses new connections, ends idle ones and waits for the others.
  setTimeout(() => server.close(() => process.exit(0)), drainMs);
}

process.on("SIGTERM", leave);
process.on("SIGINT", leave);
server.on("error", (error) => {
  console.error(`cannot listen on ${host}:${port}: ${error.message}`);
  process.exit(1);
});
// Longer than a router keeps an unused connection, so that it is the router that ends it.
server.keepAliveTimeout = 75_000;
server.listen(port, host, () =>
  console.log(`${weather.city}, version ${version}, on http://${host}:${port}`),
);
