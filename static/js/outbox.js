// Answers wait here until the server has them, several under way at once. They outlive a lost line and a reload.
(() => {
  "use strict";
  const SECONDS = 20;
  const SLOW = 400;
  const AT_ONCE = 6; // as many as a browser keeps lines to one server
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

  async function post(item, have) {
    const headers = { "HX-Request": "true", "X-CSRFToken": Concord.token() };
    const options = { method: "POST", headers, body: new URLSearchParams([...item.fields, ["have", have]]), redirect: "manual" };
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

  // `told` hears of { state(kind, count, words), saved(item, html), refused(item, html, reason), shut() }, and
  // says in have() which cards the page has, so that they need not be sent again.
  class Outbox {
    constructor(name, told) {
      this.prefix = `concord.answers.${name}.`;
      this.told = told;
      this.items = readStore(this.prefix);
      this.under = new Set();
      this.tries = 0;
      this.away = false;
      this.timer = null;
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

    // An answer comes back, unless it is on its way already.
    takeBack(id) {
      const item = this.items.findLast((one) => one.id === id);
      if (!item || this.under.has(item)) return null;
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

    // Everything that may go now: one after the other where two are about the same card, one alone on a doubtful line.
    send() {
      clearTimeout(this.timer);
      this.timer = null;
      const most = this.away ? 1 : AT_ONCE;
      for (const item of [...this.items]) {
        if (this.under.size >= most) return;
        if (!this.under.has(item) && !this.waits(item)) this.carry(item);
      }
      this.rest();
    }

    waits(item) {
      const before = this.items.slice(0, this.items.indexOf(item));
      return before.some((one) => one.id === item.id || one.id === item.after);
    }

    async carry(item) {
      this.under.add(item);
      item.sent = Date.now();
      const slow = setTimeout(() => this.away || this.told.state("wait"), SLOW);
      const outcome = await post(item, this.told.have(item));
      clearTimeout(slow);
      this.under.delete(item);
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
      this.timer ??= setTimeout(() => this.send(), SOON[Math.min(this.tries++, SOON.length - 1)]);
    }
  }

  window.Concord = { ...window.Concord, Outbox };
})();
