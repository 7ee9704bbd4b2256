import type { ApiRequest, ApiResponse } from "../../../kubernetes/transport.ts";
import { type Fields, fieldsOf, isFields, withFields } from "../json.ts";

/** One request of a story about who owns what, and what a real server answered. */
export interface OwnershipStep {
  readonly request: Pick<ApiRequest, "method" | "path" | "query" | "body" | "contentType">;
  readonly code: number;
  /** What `comparable` leaves of the answer. */
  readonly answer: unknown;
}

export interface OwnershipStory {
  readonly seed: number;
  readonly steps: readonly OwnershipStep[];
}

/** The custom kind of the stories. */
export const storyDefinition: Fields = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "owneds.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: "owneds", kind: "Owned" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                properties: {
                  size: { type: "integer" },
                  color: { type: "string", default: "blue" },
                  labels: { type: "object", additionalProperties: { type: "string" } },
                  whole: {
                    type: "object",
                    "x-kubernetes-map-type": "atomic",
                    additionalProperties: { type: "string" },
                  },
                  list: { type: "array", items: { type: "string" } },
                  set: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" },
                  parts: {
                    type: "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name", "protocol"],
                    items: {
                      type: "object",
                      required: ["name"],
                      properties: {
                        name: { type: "string" },
                        protocol: { type: "string", default: "TCP" },
                        port: { type: "integer" },
                        tags: { type: "object", additionalProperties: { type: "string" } },
                      },
                    },
                  },
                  open: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
                },
              },
              status: {
                type: "object",
                properties: { ready: { type: "integer" }, note: { type: "string" } },
              },
            },
          },
        },
      },
    ],
  },
};

/** What two servers must agree on: without ids, times, addresses and what controllers add; owners in any order. */
export function comparable({ code, body }: Pick<ApiResponse, "code" | "body">): unknown {
  const plain = JSON.parse(JSON.stringify(body)) as Fields;
  if (code >= 300) {
    const details = fieldsOf(plain.details);
    const causes = Array.isArray(details.causes)
      ? details.causes.map((one) => JSON.stringify(one)).sort()
      : [];
    return { message: plain.message, reason: plain.reason, causes };
  }
  const metadata = fieldsOf(plain.metadata);
  const entries = Array.isArray(metadata.managedFields) ? (metadata.managedFields as Fields[]) : [];
  const managedFields = entries
    .map((entry) => ({ ...entry, ...(entry.time === undefined ? {} : { time: "<time>" }) }))
    .map((entry) => JSON.stringify(sorted(entry)))
    .sort();
  const spec = withFields(fieldsOf(plain.spec), {
    clusterIP: undefined,
    clusterIPs: undefined,
    healthCheckNodePort: undefined,
  });
  return sorted({
    ...plain,
    spec: withoutNodePorts(spec),
    metadata: withFields(metadata, {
      managedFields,
      uid: undefined,
      resourceVersion: undefined,
      creationTimestamp: undefined,
    }),
  });
}

function withoutNodePorts(spec: Fields): Fields {
  if (!Array.isArray(spec.ports)) return spec;
  return { ...spec, ports: spec.ports.map((port) => withFields(fieldsOf(port), { nodePort: undefined })) };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
