/** What `3` or `"25%"` of `total` comes to. A percentage is rounded as told. */
export function allowedOf(value: number | string, total: number, rounded: "up" | "down"): number {
  if (typeof value === "number") return value;
  const share = (Number.parseInt(value, 10) * total) / 100;
  return rounded === "up" ? Math.ceil(share) : Math.floor(share);
}
