/** How many letters must be added, removed or replaced to turn one word into the other. */
const editDistance = (from: string, to: string): number => {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
};

/** The word that the writer may have meant, or undefined when none is near. */
const nearest = (given: string, known: readonly string[]): string | undefined => {
  const limit = Math.max(2, Math.floor(given.length / 3));
  let best: { word: string; distance: number } | undefined;
  for (const word of known) {
    const distance = editDistance(given, word);
    if (distance <= limit && distance < (best?.distance ?? Infinity)) best = { word, distance };
  }
  return best?.word;
};

/** `; did you mean "port"?`, or nothing. */
const suggestion = (given: string, known: readonly string[]): string => {
  const word = nearest(given, known);
  return word === undefined ? "" : `; did you mean ${word}?`;
};

export { nearest, suggestion };
