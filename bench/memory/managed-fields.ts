// What field managers leave in the metadata of each object: not read by a controller, but sent to it.

const leaf = (...names: readonly string[]): object =>
  Object.fromEntries(names.map((name) => [`f:${name}`, {}]));
export const fieldsOfTemplate = {
  "f:spec": {
    "f:template": {
      "f:spec": {
        "f:containers": Object.fromEntries(
          ["backend", "log-shipper"].map((name) => [
            `k:{"name":"${name}"}`,
            {
              ".": {},
              ...leaf(
                "name",
                "image",
                "imagePullPolicy",
                "ports",
                "env",
                "envFrom",
                "resources",
                "readinessProbe",
              ),
              ...leaf(
                "livenessProbe",
                "lifecycle",
                "securityContext",
                "volumeMounts",
                "terminationMessagePath",
              ),
            },
          ]),
        ),
        ...leaf(
          "dnsPolicy",
          "restartPolicy",
          "schedulerName",
          "securityContext",
          "serviceAccountName",
          "volumes",
        ),
      },
    },
    ...leaf("replicas", "revisionHistoryLimit", "selector", "strategy"),
  },
};
export const fieldsOfService = {
  "f:spec": leaf("ports", "selector", "type", "sessionAffinity", "internalTrafficPolicy"),
};
