/** An interrupted run leaves no server behind either. */
export function stopOnSignals(stop) {
  const onSignal = (signal) => {
    stop().finally(() => {
      forget();
      process.kill(process.pid, signal);
    });
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  const forget = () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
  for (const signal of signals) process.on(signal, onSignal);
  return async () => {
    forget();
    await stop();
  };
}
