import type { PodTemplateSpec } from "../../src/api/core.ts";

/** A template as it is stored, with two containers and all that real ones have; `release` makes it another version. */
export function podTemplate(name: string, release: string): PodTemplateSpec {
  return {
    metadata: {
      labels: { "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "storefront", team: "commerce" },
      annotations: { "prometheus.io/scrape": "true", "prometheus.io/port": "8080" },
    },
    spec: {
      containers: containersOf(name, release),
      volumes: [
        { name: "settings", configMap: { name: `${name}-settings`, defaultMode: 420 } },
        { name: "scratch", emptyDir: {} },
      ],
      serviceAccountName: name,
      serviceAccount: name,
      restartPolicy: "Always",
      dnsPolicy: "ClusterFirst",
      schedulerName: "default-scheduler",
      securityContext: { fsGroup: 1000 },
      terminationGracePeriodSeconds: 45,
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: "topology.kubernetes.io/zone",
          whenUnsatisfiable: "ScheduleAnyway",
          labelSelector: { matchLabels: { "app.kubernetes.io/name": name } },
        },
      ],
    } as PodTemplateSpec["spec"],
  };
}

function containersOf(name: string, release: string): readonly object[] {
  const probe = (path: string): object => ({
    httpGet: { path, port: 8080, scheme: "HTTP" },
    initialDelaySeconds: 5,
    timeoutSeconds: 2,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  });
  const stored = { terminationMessagePath: "/dev/termination-log", terminationMessagePolicy: "File" };
  const environment = {
    LOG_LEVEL: "info",
    HTTP_PORT: "8080",
    DATABASE_HOST: `${name}.databases.svc.cluster.local`,
    DATABASE_NAME: name.replaceAll("-", "_"),
    CACHE_ADDRESS: "redis.shared-services.svc.cluster.local:6379",
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector.observability.svc.cluster.local:4317",
    OTEL_SERVICE_NAME: name,
    FEATURE_CHECKOUT: "enabled",
    FEATURE_SEARCH: "enabled",
    REQUEST_TIMEOUT: "30s",
  };
  return [
    {
      name: "backend",
      image: `registry.example.com/storefront/${name}:1.${release}.0`,
      imagePullPolicy: "IfNotPresent",
      ports: [
        { name: "http", containerPort: 8080, protocol: "TCP" },
        { name: "metrics", containerPort: 9090, protocol: "TCP" },
      ],
      env: [
        ...Object.entries(environment).map(([variable, value]) => ({ name: variable, value })),
        {
          name: "DATABASE_PASSWORD",
          valueFrom: { secretKeyRef: { name: `${name}-database`, key: "password" } },
        },
        { name: "POD_NAME", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } } },
      ],
      envFrom: [{ configMapRef: { name: `${name}-settings` } }],
      resources: { limits: { cpu: "1", memory: "512Mi" }, requests: { cpu: "250m", memory: "256Mi" } },
      readinessProbe: probe("/ready"),
      livenessProbe: probe("/healthz"),
      lifecycle: { preStop: { exec: { command: ["sleep", "5"] } } },
      securityContext: { runAsNonRoot: true, allowPrivilegeEscalation: false },
      volumeMounts: [
        { name: "settings", mountPath: "/etc/backend", readOnly: true },
        { name: "scratch", mountPath: "/tmp" },
      ],
      ...stored,
    },
    {
      name: "log-shipper",
      image: "registry.example.com/platform/log-shipper:3.4.1",
      imagePullPolicy: "IfNotPresent",
      args: ["--config", "/etc/log-shipper/config.yaml"],
      resources: { limits: { cpu: "100m", memory: "64Mi" }, requests: { cpu: "20m", memory: "32Mi" } },
      volumeMounts: [{ name: "scratch", mountPath: "/var/log/backend" }],
      ...stored,
    },
  ];
}
