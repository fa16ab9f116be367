// Threads need a page that is isolated from other sites. Where the server does not send the headers for that, a service
// worker adds them, and the page loads once more.

const KEY = "stylelib reloaded";

/**
 * How many threads are worth while: half of the processor's, at most four. One of two would be taken from the browser
 * itself. The address can ask for another number, such as ?threads=2.
 */
export function threadsWanted() {
  const asked = Number(new URLSearchParams(location.search).get("threads"));
  return asked >= 1 ? Math.min(asked, 16) : Math.min(4, Math.ceil((navigator.hardwareConcurrency || 1) / 2));
}

/** Resolve once the page is isolated, cannot be, or need not be; a page that is about to load again never resolves. */
export async function isolate() {
  if (threadsWanted() === 1) return;
  if (globalThis.crossOriginIsolated) return sessionStorage.removeItem(KEY);
  if (!globalThis.isSecureContext || !navigator.serviceWorker) return;
  try {
    if (sessionStorage.getItem(KEY)) return; // it did not help the last time
    await navigator.serviceWorker.register(new URL("../isolate.js", import.meta.url));
    await navigator.serviceWorker.ready;
    sessionStorage.setItem(KEY, "yes");
  } catch {
    return; // one thread is enough
  }
  location.reload();
  await new Promise(() => {});
}
