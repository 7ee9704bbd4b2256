import type { EndpointSlice, Service } from "../../api/core.ts";
import { serviceNameLabel } from "../../api/names.ts";
import { resources } from "../../api/resources.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { ensure } from "./ensure.ts";

const place = { name: "kubernetes", namespace: "default" };

/** Makes the API server, which listens on 127.0.0.1, the Service `default/kubernetes`, as it is on every cluster. */
export async function publishApiServer(client: KubernetesClient, port: number): Promise<void> {
  const service: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...place, labels: { component: "apiserver", provider: "kubernetes" } },
    spec: {
      type: "ClusterIP",
      ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: port }],
    },
  };
  // The Service selects no pods, so its slice is nobody else's to write.
  const slice: EndpointSlice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { ...place, labels: { [serviceNameLabel]: place.name } },
    addressType: "IPv4",
    endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
    ports: [{ name: "https", port, protocol: "TCP" }],
  };
  await ensure(client, resources.services, service);
  await ensure(client, resources.endpointSlices, slice);
}
