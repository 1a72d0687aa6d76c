// Answers wait here, in order, until the server has them. They outlive a lost line and a reload of the page.
(() => {
  "use strict";
  const SECONDS = 20;
  const SLOW = 400;
  const SOON = [1000, 2000, 5000, 10000];
  const AWAY = [429, 502, 503, 504];

  function readStore(prefix) {
    try {
      const names = Object.keys(localStorage).filter((name) => name.startsWith(prefix));
      return names.map((name) => JSON.parse(localStorage.getItem(name))).sort((one, other) => one.at - other.at);
    } catch {
      return [];
    }
  }

  async function post(item) {
    const headers = { "HX-Request": "true", "X-CSRFToken": Concord.token() };
    const options = { method: "POST", headers, body: new URLSearchParams(item.fields), redirect: "manual" };
    try {
      const response = await fetch(item.url, { ...options, signal: AbortSignal.timeout(SECONDS * 1000) });
      return outcome(response, await response.text());
    } catch (error) {
      if (error.name !== "TimeoutError") return { kind: "away" };
      return { kind: "refused", reason: `The server did not answer for ${SECONDS} seconds.` };
    }
  }

  function outcome({ type, status, ok }, html) {
    if (type === "opaqueredirect" || status === 403) return { kind: "shut" };
    if (AWAY.includes(status)) return { kind: "away" };
    const desk = html.includes('id="place"');
    if (ok) return desk ? { kind: "saved", html } : { kind: "shut" };
    if (desk) return { kind: "refused", html };
    return { kind: "refused", reason: status === 404 ? "This task is no longer there." : `The server had a fault (${status}).` };
  }

  // `told` hears of { state(kind, count, words), saved(item, html), refused(item, html, reason), shut() }.
  class Outbox {
    constructor(name, told) {
      this.prefix = `concord.answers.${name}.`;
      this.told = told;
      this.items = readStore(this.prefix);
      this.under = null;
      this.tries = 0;
      this.away = false;
      addEventListener("online", () => this.send());
      addEventListener("offline", () => this.lose());
    }

    get last() {
      return this.items.at(-1);
    }

    has(id) {
      return this.items.some((item) => item.id === id);
    }

    add(item, kept = true) {
      this.items.push({ ...item, at: performance.timeOrigin + performance.now() });
      if (kept) this.write(this.last);
      if (this.away) this.lose();
      this.send();
    }

    // The newest answer comes back, unless it is on its way already.
    takeBack() {
      if (!this.last || this.last === this.under) return null;
      const item = this.last;
      this.drop(item);
      if (this.away) this.lose();
      return item;
    }

    write(item) {
      try {
        localStorage.setItem(this.prefix + item.key, JSON.stringify(item));
      } catch {
        // No room or no permission: the answer still waits in this page.
      }
    }

    drop(item) {
      this.items = this.items.filter((one) => one !== item);
      try {
        localStorage.removeItem(this.prefix + item.key);
      } catch {
        // Nothing was kept.
      }
    }

    lose() {
      this.away = true;
      this.told.state("off", this.items.length);
    }

    async send() {
      clearTimeout(this.timer);
      if (this.under || !this.items.length) return this.rest();
      const item = (this.under = this.items[0]);
      const slow = setTimeout(() => this.away || this.told.state("wait"), SLOW);
      const outcome = await post(item);
      clearTimeout(slow);
      this.under = null;
      if (outcome.kind === "away") return this.later();
      if (outcome.kind === "shut") return this.told.shut(item);
      this.tries = 0;
      this.away = false;
      this.drop(item);
      if (outcome.kind === "saved") this.told.saved(item, outcome.html);
      else this.told.refused(item, outcome.html, outcome.reason);
      if (this.items.length) this.send();
      else if (outcome.kind === "saved") this.told.state("saved");
    }

    rest() {
      if (this.items.length || !this.away || !navigator.onLine) return;
      this.away = false;
      this.told.state("saved");
    }

    later() {
      this.lose();
      this.timer = setTimeout(() => this.send(), SOON[Math.min(this.tries++, SOON.length - 1)]);
    }
  }

  window.Concord = { ...window.Concord, Outbox };
})();
