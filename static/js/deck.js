// The cards: one on the screen, the ones after it in hand. A card on the screen stays as long as it is the right one.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const place = () => byId("place");

  // `answers` tells which tasks have an answer on its way: { has(id), items, away }.
  class Deck {
    constructor(answers) {
      this.answers = answers;
      this.stock = [];
      this.shownAt = 0;
      this.at = 0; // when the server laid the desk out that was told last; an older word that comes later is not heeded
      this.keptUntil = 0; // until when the cards in hand are surely nobody else's
      this.left = new Set(); // cards answered here; they come back under another key only
      this.done = answers.items.filter((one) => one.id).map(({ id, words }) => ({ id, words }));
    }

    get card() {
      return place().querySelector(".card");
    }

    get looksBack() {
      return Boolean(this.card?.hasAttribute("data-back"));
    }

    get secondsShown() {
      return (performance.now() - this.shownAt) / 1000;
    }

    // Everything here that came from the queue, the card on the screen first.
    get cards() {
      return [this.card, ...this.stock].filter((one) => one && !one.hasAttribute("data-back"));
    }

    // What undo would take back: what was done last here, else what the server knows.
    get undoable() {
      const { last, said } = byId("earlier").dataset;
      return this.done.at(-1) ?? { id: last, words: said };
    }

    busy(on) {
      if (on) place().setAttribute("aria-busy", "true");
      else place().removeAttribute("aria-busy");
    }

    show(element, focus = true) {
      place().replaceChildren(element);
      this.ready();
      if (!focus) return;
      element.querySelector("h1")?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }

    ready() {
      this.shownAt = performance.now();
      window.htmx?.process(place());
      Concord.paintKeys(place());
      place().querySelectorAll(".find").forEach((field) => field.removeAttribute("hidden"));
      Concord.readParts(place());
      Concord.restoreBegun(this.card);
      Concord.cardReady(place().querySelector("form[data-kind]"));
      this.nameUndo();
    }

    nameUndo() {
      const button = place().querySelector("[data-do=undo]");
      const { id, words } = this.undoable;
      if (!button) return;
      const step = Concord.kindOf(button.form).undoable?.(button.form); // taken on this card, before anything is sent
      button.hidden = !id && !step;
      button.value = id;
      button.querySelector("[data-undone]").textContent = step ?? words;
    }

    // An answer was given: the next card, unless the ones in hand may be with somebody else by now.
    next({ id, words }, back) {
      this.left.add(id);
      if (back) this.done = [];
      else this.done.push({ id, words });
      if (!this.answers.away && Date.now() > this.keptUntil) this.stock = [];
      this.show(this.stock.shift() ?? Concord.fromTemplate("t-moment"));
    }

    forget(id) {
      this.left.delete(id);
      this.done = this.done.filter((one) => one.id !== id);
    }

    // An earlier card comes back to the screen, before the one that is there.
    comeBack(element) {
      this.forget(element.dataset.card);
      if (this.card) this.stock.unshift(this.card);
      this.show(element);
    }

    // A page that was loaded, or an earlier answer that was opened.
    adopt(focus) {
      byId("main").dataset.ready = "1";
      this.stock = ahead(document);
      this.at = Number(byId("main").dataset.at);
      this.keptUntil = Date.now() + 1000 * Number(byId("main").dataset.kept);
      Concord.picturesAhead(this.stock);
      if (this.card && this.answers.has(this.card.dataset.card)) return this.show(Concord.fromTemplate("t-moment"));
      this.ready();
      if (focus) this.card?.querySelector("h1").focus();
    }

    // The server's word on the whole desk, asked for at `sent`. False where the page lacks a card it should have.
    apply(html, sent, focus) {
      const told = new DOMParser().parseFromString(html, "text/html");
      const main = told.getElementById("main");
      if (told.querySelector("#notes > *")) swap("notes", told);
      if (Number(main.dataset.at) < this.at) return true;
      this.at = Number(main.dataset.at);
      this.keptUntil = sent + 1000 * Number(main.dataset.kept);
      swap("earlier", told);
      swap("pace", told); // where it is told; otherwise it comes with the next nudge
      const first = told.getElementById("place").firstElementChild;
      const here = new Map(this.cards.map((one) => [one.dataset.card, one]));
      for (const one of [first, ...ahead(told)]) if (one?.dataset.card && !here.has(one.dataset.card)) here.set(one.dataset.card, one);
      const wanted = main.dataset.desk.split(" ").filter((id) => id && !this.answers.has(id) && !this.left.has(id));
      const cards = wanted.map((id) => here.get(id)).filter(Boolean);
      const lead = cards.find((one) => one.dataset.card === main.dataset.desk.split(" ")[0]);
      if (lead) Concord.lease(lead, Number(main.dataset.leased), "begun" in main.dataset);
      const nothing = first && !first.dataset.card && !this.answers.items.length ? first : null;
      this.deal(cards, nothing ?? Concord.fromTemplate("t-moment"), focus);
      return cards.length > 0 || nothing !== null || this.answers.items.length > 0;
    }

    // A card on the screen that is still this person's stays there, whatever comes first by now; undo brings its own.
    deal(cards, otherwise, focus) {
      const now = this.card;
      const stays = cards.includes(now) && (!focus || cards[0] === now);
      if (this.looksBack) this.stock = cards;
      else this.stock = stays ? cards.filter((one) => one !== now) : cards.slice(1);
      if (stays || this.looksBack) this.nameUndo();
      else this.show(cards[0] ?? otherwise, Boolean(cards[0] || now || focus));
      this.card?.classList.toggle("next", this.stock.length > 0);
      Concord.picturesAhead(this.stock);
    }
  }

  function swap(id, told) {
    const part = told.getElementById(id);
    if (!part) return;
    byId(id).replaceWith(part);
    window.htmx?.process(part);
  }

  function ahead(root) {
    return [...root.querySelectorAll("main > template")].map((one) => one.content.firstElementChild);
  }

  window.Concord = { ...window.Concord, Deck };
})();
