const number = /^[0-9]+$/;

/**
 * Whether one resource version is later than another of the same kind. Versions are decimal numbers of any length; a server
 * that writes them in another way is believed to send only news.
 */
export function isLater(version: string | undefined, than: string | undefined): boolean {
  if (version === undefined || than === undefined) return true;
  if (!number.test(version) || !number.test(than)) return version !== than;
  return BigInt(version) > BigInt(than);
}
