// The socket says what changed; parts of the page that listen ("live-queue", "live-progress", "live-guide", "live-alarm") fetch themselves.
// "live-later" is progress for parts that cost more. Of many changes each part hears the last one, after its rest: htmx's own
// throttle drops it.
(() => {
  "use strict";
  const kinds = ["queue", "progress", "guide", "alarm"];
  const state = () => document.getElementById("live-state");
  const tell = (kind) => document.body.dispatchEvent(new CustomEvent(`live-${kind}`, { bubbles: true }));
  const RESTS = { queue: 600, progress: 1000, later: 4000, guide: 600, alarm: 300 }; // milliseconds between two fetches of a part
  const told = new Map();
  let open = false;
  let closedAt = null;

  function soon(kind) {
    const { last = -Infinity, waits = false } = told.get(kind) ?? {};
    if (waits) return;
    const rest = last + RESTS[kind] - performance.now();
    told.set(kind, { last, waits: true });
    setTimeout(() => {
      told.set(kind, { last: performance.now() });
      tell(kind);
    }, Math.max(rest, 0));
  }

  function show(icon, words) {
    const place = state();
    if (!place) return;
    place.querySelector("use").setAttribute("href", `#i-${icon}`);
    place.querySelector("span").textContent = words;
  }

  // The token of this page goes stale when somebody signs in again in another window; the cookie does not.
  function token() {
    const cookie = document.cookie.split("; ").find((one) => one.startsWith("csrftoken="));
    return cookie?.slice("csrftoken=".length) ?? JSON.parse(document.body.getAttribute("hx-headers"))["x-csrftoken"];
  }

  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["x-csrftoken"] = token();
  });

  // After the session ended, a part of the page must not be replaced by the sign-in.
  // A part that was shown an older number fetches itself once more ("load"). A part in which somebody is choosing or writing stays as it is; the next change brings it up to date.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const busy = event.detail.elt.contains(document.activeElement) && document.activeElement.matches("select, input, textarea");
    if (busy && event.detail.requestConfig.triggeringEvent?.type?.match(/^(live-|load$)/)) event.preventDefault();
  });

  // A part that was replaced while it fetched itself is out of date, and so is what it fetched.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const nudged = event.detail.requestConfig.triggeringEvent?.type?.startsWith("live-");
    if (nudged && !event.detail.requestConfig.elt.isConnected) event.detail.shouldSwap = false;
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!new URL(event.detail.xhr.responseURL, location).pathname.startsWith("/sign-in/")) return;
    event.detail.shouldSwap = false;
    show("pause", "Signed out");
    document.body.dispatchEvent(new CustomEvent("signed-out", { detail: event.detail, bubbles: true }));
  });

  window.Concord = { ...window.Concord, token, listens: () => open };

  const heard = (what) => what.flatMap((kind) => (kind === "progress" ? [kind, "later"] : [kind]));
  const follows = (kind) => document.querySelector(`[hx-trigger*="live-${kind}"]`) !== null;

  // A page none of whose parts follows must not say that it does: it offers to be read anew.
  function behind() {
    const place = state()?.querySelector("span");
    if (!place || place.querySelector("a")) return;
    const link = document.createElement("a");
    link.href = location.href;
    link.textContent = "Newer numbers";
    place.replaceChildren(link);
  }

  document.addEventListener("htmx:wsBeforeMessage", (event) => {
    event.preventDefault();
    const message = JSON.parse(event.detail.message);
    heard(message.what).forEach(soon);
    if (!heard(message.what).some(follows)) behind();
  });

  document.addEventListener("htmx:wsOpen", () => {
    show("live", "Live");
    heard(closedAt ? kinds : ["queue"]).forEach(soon); // what happened since this page was made
    closedAt = null;
    open = true;
  });

  document.addEventListener("htmx:wsClose", () => {
    open = false;
    closedAt ??= new Date();
    const time = closedAt.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    show("pause", `Paused since ${time}`);
  });
})();
