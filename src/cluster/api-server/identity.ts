/** From 0 to 1, as `Math.random`. */
export type Random = () => number;

// Letters and digits that make no words.
const suffixLetters = "bcdfghjklmnpqrstvwxz2456789";
const longestPrefix = 58;

/** A name for `generateName`. */
export function generatedName(prefix: string, random: Random): string {
  const suffix = Array.from({ length: 5 }, () => pick(suffixLetters, random)).join("");
  return `${prefix.slice(0, longestPrefix)}${suffix}`;
}

/** A random UUID (version 4). */
export function newUid(random: Random): string {
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => pick("0123456789abcdef", random)).join("");
  return `${hex(8)}-${hex(4)}-4${hex(3)}-${pick("89ab", random)}${hex(3)}-${hex(12)}`;
}

function pick(letters: string, random: Random): string {
  return letters.charAt(Math.floor(random() * letters.length));
}
