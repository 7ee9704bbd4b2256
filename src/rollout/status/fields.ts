type Present<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

/** The fields that have a value. */
export function present<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>;
}

/** All fields but our own, such as those of a controller that was here before: they stay as they are. */
export function foreignFields<T extends object, Key extends keyof T>(
  fields: T,
  own: readonly Key[],
): Omit<T, Key> {
  const rest = { ...fields };
  for (const key of own) delete rest[key];
  return rest;
}
