// What differs between two clusters, or between two runs on the same, and says nothing about either.

interface Rule {
  readonly pattern: RegExp;
  readonly by: string;
}

const rules: readonly Rule[] = [
  // The header of a client's own log line: level, date, time, process, place in its source.
  { pattern: /^[EWI]\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ /gm, by: "<log> " },
  { pattern: /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, by: "<uid>" },
  { pattern: /\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?(Z|[+-]\d\d:?\d\d)( UTC)?)?/g, by: "<time>" },
  {
    pattern:
      /\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +(\d\d? )?[A-Z][a-z]{2} +(\d\d? )?(\d{4} )?\d\d:\d\d:\d\d( [A-Z]+| [+-]\d{4})?( \d{4})?/g,
    by: "<time>",
  },
  { pattern: /("?resourceVersion"?: ?"?)\d+/g, by: "$1<version>" },
  { pattern: /("continue":")[A-Za-z0-9_=-]+/g, by: "$1<continue>" },
  { pattern: /(Resource Version: +|resource version to be \d+, was )\d+/g, by: "$1<version>" },
  // The API server's own port.
  { pattern: /(?<=<ip>:|127\.0\.0\.1:|targetPort: |TargetPort: +)\d{5}\b/gi, by: "<port>" },
  { pattern: /https?:\/\/(127\.0\.0\.1|localhost):\d+/g, by: "<server>" },
  // Services and pods: what the real cluster and this one give out.
  { pattern: /\b(10\.9[67]|10\.64|127\.\d+|192\.168)\.\d+\.\d+\b(?!\/)/g, by: "<ip>" },
  { pattern: /\b3[0-2]\d{3}(?=\/(TCP|UDP|SCTP)|,|$|\n|\})/gm, by: "<nodePort>" },
  // Ages and durations stand in cells of tables, and in sentences of events.
  { pattern: /(?<=^|\s{2,}|\t|\()(\d+[dhms])+(?= ago|\s{2,}|\s*$|\t| \(x)/gm, by: "<age>" },
  { pattern: /\(x\d+ over (\d+[dhms])+\)/g, by: "(<times>)" },
  // Template hashes and the ends of generated names, which are made of consonants and digits.
  { pattern: /(?<=-)[bcdf-hj-np-tv-xz2456789]{8,10}(-[bcdf-hj-np-tv-xz2456789]{5})?\b/g, by: "<hash>" },
  { pattern: /(?<=-)[bcdf-hj-np-tv-xz2456789]{5}\b/g, by: "<hash>" },
  { pattern: /(pod-template-hash"?[=:] ?"?)[bcdf-hj-np-tv-xz0-9]+/g, by: "$1<hash>" },
  // Columns are as wide as their widest cell, which may be any of the above.
  { pattern: /(?<=\S)( *\t[ \t]*| {2,})(?=\S)/g, by: "  " },
  { pattern: /[ \t]+$/gm, by: "" },
];

/** A text as it is compared. `folder` is where the command ran. */
export function normalise(text: string, folder: string): string {
  const placed = text.replaceAll(folder, "<folder>");
  return (
    rules
      .reduce((now, { pattern, by }) => now.replace(pattern, by), placed)
      // A server that looks through maps names what is wrong in any order.
      .replace(/(^\* .*\n?){2,}/gm, (list) => `${list.trimEnd().split("\n").sort().join("\n")}\n`)
  );
}
