/** What the line with the answer of a child begins with; a peer may print lines of its own before it. */
export const MARK = '@@answer ';
