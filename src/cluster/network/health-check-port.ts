import { createServer, type Server } from "node:http";

export interface HealthCheck {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  /** How many pods of this node serve. */
  readonly endpoints: () => number;
  /** Told why it cannot listen. */
  readonly onProblem: (problem: Error) => void;
}

/** Answers load balancers that ask whether a Service has pods on this node, in the words of every Kubernetes. */
export function serveHealthCheck({ namespace, name, port, endpoints, onProblem }: HealthCheck): Server {
  const server = createServer((_request, response) => {
    const localEndpoints = endpoints();
    const answer = { service: { namespace, name }, localEndpoints, serviceProxyHealthy: true };
    response.writeHead(localEndpoints > 0 ? 200 : 503, {
      "Content-Type": "application/json",
      "X-Content-Type-Options": "nosniff",
      "X-Load-Balancing-Endpoint-Weight": String(localEndpoints),
    });
    response.end(JSON.stringify(answer, null, "\t"));
  });
  server.on("error", onProblem);
  server.listen(port, "127.0.0.1");
  return server;
}
