/**
 * The live stream of alert changes and signals.
 *
 * While the browser itself reconnects it sends `Last-Event-ID`, and the service resumes without
 * loss. When the browser gives up (an answer that is not a stream, such as 401 or 503) this opens a
 * new one, a little later each time. Either way the caller hears `opened` and should take a snapshot.
 */

import type { Change, Signal } from "./api";

export interface Listener {
  opened(): void;
  changed(change: Change): void;
  /** Where the service is blind, or is so no more. */
  signalled(signal: Signal): void;
  /** No stream just now; a new attempt follows by itself. */
  dropped(): void;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 20_000;

/** Follows the stream until the returned function is called. */
export function follow(listener: Listener, url = "/api/v1/alerts/stream"): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pause = FIRST_PAUSE_MS;

  function open(): void {
    source = new EventSource(url);
    source.addEventListener("open", () => {
      pause = FIRST_PAUSE_MS;
      listener.opened();
    });
    source.addEventListener("alert", (event: MessageEvent<string>) => {
      listener.changed(JSON.parse(event.data) as Change);
    });
    source.addEventListener("signal", (event: MessageEvent<string>) => {
      listener.signalled(JSON.parse(event.data) as Signal);
    });
    source.addEventListener("error", () => {
      listener.dropped();
      if (source?.readyState !== EventSource.CLOSED) return;
      source.close();
      // Jitter, so that a restarted service does not meet every phone at the same moment.
      timer = setTimeout(open, pause * (0.5 + Math.random() / 2));
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    });
  }

  open();
  return () => {
    clearTimeout(timer);
    source?.close();
  };
}
