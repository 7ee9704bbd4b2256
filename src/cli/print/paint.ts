const codes = { red: 31, green: 32, yellow: 33, blue: 94, dim: 2, bold: 1 } as const;

export type Colour = keyof typeof codes;

/** Gives text a colour, or leaves it as it is. */
export type Paint = (text: string, colour: Colour | undefined) => string;

export function paintFor(terminal: { readonly colours: boolean }): Paint {
  return terminal.colours ? coloured : plain;
}

export const plain: Paint = (text) => text;

const coloured: Paint = (text, colour) =>
  colour === undefined || text === "" ? text : `\x1b[${codes[colour]}m${text}\x1b[0m`;
