/**
 * Whether one resource version is later than another of the same kind. Versions are decimal numbers of any length; a server
 * that writes them in another way is believed to send only news.
 */
export function isLater(version: string | undefined, than: string | undefined): boolean {
  if (version === undefined || than === undefined) return true;
  if (!isNumbered(version) || !isNumbered(than)) return version !== than;
  return BigInt(version) > BigInt(than);
}

/** Whether it is a version as Kubernetes' servers write them. */
export function isNumbered(version: string | undefined): boolean {
  return version !== undefined && /^[0-9]+$/.test(version);
}
