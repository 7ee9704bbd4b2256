import { readFile } from "node:fs/promises";
import { verb } from "../command.ts";

export const version = verb({
  flags: { short: { takes: "nothing", help: "print just the number" } },
  words: { least: 0, most: 0 },
  async run({ flags }, { terminal }) {
    const number = await packageVersion();
    terminal.out(flags.short ? `${number}\n` : `teal: ${number}\n  Node.js: ${process.version}\n`);
    return 0;
  },
});

// The package file lies three folders above this one, both as source and as built.
async function packageVersion(): Promise<string> {
  const text = await readFile(new URL("../../../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(text) as { version: string };
  return version;
}
