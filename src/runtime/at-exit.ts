/** What is to be done before the process ends, however it ends by itself. */

const chores = new Set<() => void>();

function runChores(): void {
  for (const chore of chores) chore();
}

/** Nothing can be waited for but by blocking. Answers how to take it back. */
export function atExit(chore: () => void): () => void {
  // One listener for all: Node warns of more than ten.
  if (chores.size === 0) process.on('exit', runChores);
  chores.add(chore);
  return () => {
    if (chores.delete(chore) && chores.size === 0) process.off('exit', runChores);
  };
}
