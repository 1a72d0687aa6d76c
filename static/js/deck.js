// The cards: one on the screen, the ones after it in hand. A card on the screen stays as long as it is the right one.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const place = () => byId("place");

  // `answers` tells which tasks have an answer on its way: { has(id), items, last }.
  class Deck {
    constructor(answers) {
      this.answers = answers;
      this.stock = [];
      this.shownAt = 0;
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

    // What undo would take back: what is on its way, else what the server knows.
    get undoable() {
      const { last, said } = byId("earlier").dataset;
      return this.answers.last ?? { id: last, words: said };
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
      place().querySelector(".find")?.removeAttribute("hidden");
      this.nameUndo();
    }

    nameUndo() {
      const button = place().querySelector("[data-do=undo]");
      const { id, words } = this.undoable;
      if (!button) return;
      button.hidden = !id;
      button.value = id;
      button.querySelector("[data-undone]").textContent = words;
    }

    next() {
      this.show(this.stock.shift() ?? Concord.fromTemplate("t-moment"));
    }

    // An earlier card comes back to the screen, before the one that is there.
    comeBack(element) {
      if (this.card) this.stock.unshift(this.card);
      this.show(element);
    }

    // A page that was loaded, or an earlier answer that was opened.
    adopt(focus) {
      byId("main").dataset.ready = "1";
      this.stock = ahead(document);
      if (this.card && this.answers.has(this.card.dataset.card)) return this.next();
      this.ready();
      if (focus) this.card?.querySelector("h1").focus();
    }

    // The server's word on the whole desk.
    apply(html, focus) {
      const told = new DOMParser().parseFromString(html, "text/html");
      for (const id of ["notes", "earlier", "pace"]) {
        const part = told.getElementById(id);
        if (!part) continue; // how far one is comes with the next nudge
        byId(id).replaceWith(part);
        window.htmx?.process(part);
      }
      const first = told.getElementById("place").firstElementChild;
      const cards = [first, ...ahead(told)].filter((one) => one.dataset.card && !this.answers.has(one.dataset.card));
      cards.forEach((one) => Concord.lease(one));
      this.deal(cards, this.answers.items.length ? Concord.fromTemplate("t-moment") : first, focus);
    }

    deal(cards, otherwise, focus) {
      const now = this.card;
      const same = now && now.dataset.card === cards[0]?.dataset.card;
      this.stock = this.looksBack ? cards : cards.slice(1);
      if (same) Concord.lease(now, Number(cards[0].dataset.left));
      if (same || this.looksBack) this.nameUndo();
      else this.show(cards[0] ?? otherwise, Boolean(cards[0] || now || focus));
      this.card?.classList.toggle("next", this.stock.length > 0);
    }
  }

  function ahead(root) {
    return [...root.querySelectorAll("main > template")].map((one) => one.content.firstElementChild);
  }

  window.Concord = { ...window.Concord, Deck };
})();
