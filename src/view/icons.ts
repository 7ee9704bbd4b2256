/** The signs that stand for a state, the same in the terminal and on the dashboard. */
export const icons = {
  healthy: "✔",
  bad: "✖",
  warning: "⚠",
  progressing: "◌",
  paused: "॥",
  neutral: "•",
  unknown: "?",
  none: " ",
} as const;

export type Icon = (typeof icons)[keyof typeof icons];
