/** With a value in the next argument. */
const WITH_VALUE = /^(?:-e|-p|-pe|--eval|--print|--watch-path|--watch-preserve-output)$/;
/** What is for the one program that it was given to: its debugger's port, its own text, its tests. */
const NOT_INHERITED =
  /^(?:-i|-c|--interactive|--check|--inspect.*|--debug.*|--watch.*|--test.*|--input-type.*|--cpu-prof.*|--heap-prof.*|--max-old-space-size.*|--max_old_space_size.*)$/;

/** The options of Node that a child process gets of those of its parent. */
export function execArgvFor(argv: readonly string[], maxMemoryMb: number | null): string[] {
  const kept: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const option = argv[index] ?? '';
    if (WITH_VALUE.test(option)) index += 1;
    else if (!NOT_INHERITED.test(option)) kept.push(option);
  }
  return maxMemoryMb === null ? kept : [...kept, `--max-old-space-size=${maxMemoryMb}`];
}
