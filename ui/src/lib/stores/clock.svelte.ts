/** The time, in steps of 20 s: enough for "38 min ago" and cheap enough to leave running. */
class Clock {
  now = $state(Date.now());
  #timer: ReturnType<typeof setInterval> | null = null;

  start(): void {
    if (this.#timer !== null) return;
    this.#timer = setInterval(() => this.tick(), 20_000);
  }

  /** Reads the time at once, before something new is shown. */
  tick(): void {
    this.now = Date.now();
  }
}

export const clock = new Clock();
