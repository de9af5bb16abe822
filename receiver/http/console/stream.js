// The stream of changes: tells when to ask again. Where there is none, or a proxy holds it back, the page polls.

const LIVE_MS = 25000; // the server says every ten seconds that it goes on
const AGAIN_MS = 2000;
const SELDOM_MS = 30000;

export class ChangeStream {
  /** `changed()` is called when something is new, and when the stream ends. */
  constructor(changed) {
    this.changed = changed;
    this.seen = "";
    this.heardAt = 0;
  }

  /** Whether changes are told. */
  get live() {
    return Date.now() - this.heardAt < LIVE_MS;
  }

  /** Listens until `stop`; nothing if it does already. */
  start() {
    if (this.control) return;
    this.control = new AbortController();
    this.listen(this.control.signal);
  }

  stop() {
    this.control?.abort();
    this.control = null;
    this.heardAt = 0;
  }

  async listen(signal) {
    while (!signal.aborted) {
      const pause = await this.once(signal).catch(() => SELDOM_MS);
      if (signal.aborted || pause === null) break;
      await new Promise((done) => setTimeout(done, pause));
    }
  }

  /** One connection, until it ends; how long to wait for the next one, null for ever. */
  async once(signal) {
    const answer = await fetch("/api/v1/stream", {
      signal, cache: "no-store", headers: { "last-event-id": this.seen },
    });
    if (answer.status === 204 || answer.status === 404) return null;
    if (!answer.ok) return SELDOM_MS;
    let text = "";
    for (const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader(); ;) {
      const { done, value } = await reader.read();
      if (done) return AGAIN_MS;
      this.heardAt = Date.now();
      const parts = (text + value).split("\n\n");
      text = parts.pop();
      for (const part of parts) this.take(part);
    }
  }

  take(part) {
    const id = /^id: (.*)$/m.exec(part)?.[1];
    if (!id || id === this.seen) return;
    this.seen = id;
    this.changed();
  }
}
