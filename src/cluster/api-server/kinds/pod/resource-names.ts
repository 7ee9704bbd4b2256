/** Resources of a container that variables and files can show. */
export const containerResources = [
  "limits.cpu",
  "limits.ephemeral-storage",
  "limits.memory",
  "requests.cpu",
  "requests.ephemeral-storage",
  "requests.memory",
];

const byteUnits = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

/** In which units they can be shown. */
export const canonicalDivisors: Readonly<Record<string, readonly string[]>> = {
  cpu: ["1m", "1"],
  memory: byteUnits,
  "ephemeral-storage": byteUnits,
};
