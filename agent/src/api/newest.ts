/**
 * Progress comes faster than a slow reader takes it; while one is busy, only
 * the newest waits. A reader that has gone is noticed by the work itself,
 * through its signal.
 */
export function newest<T>(emit: (event: T) => Promise<void>): (event: T) => void {
  let waiting: T | undefined;
  let isBusy = false;
  const send = async () => {
    isBusy = true;
    for (let event = waiting; event !== undefined; event = waiting) {
      waiting = undefined;
      await emit(event).catch(() => {});
    }
    isBusy = false;
  };
  return (event) => {
    waiting = event;
    if (!isBusy) void send();
  };
}
