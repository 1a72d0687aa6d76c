// What is chosen, marked and typed on a card, but not sent, outlives a reload in the same tab.
(() => {
  "use strict";
  const STORE = "concord.begun";
  const OWN = ["csrfmiddlewaretoken", "key", "part", "follow"];
  const card = () => document.querySelector("#place .card[data-card]:not([data-back])");

  function read() {
    try {
      return JSON.parse(sessionStorage.getItem(STORE)) ?? {};
    } catch {
      return {};
    }
  }

  function write(told) {
    try {
      if (told) sessionStorage.setItem(STORE, JSON.stringify(told));
      else sessionStorage.removeItem(STORE);
    } catch {
      // No room or no permission: the card is as it is until the page is left.
    }
  }

  function keep() {
    const form = card();
    if (form) write({ card: form.dataset.card, fields: [...new FormData(form)].filter(([name]) => !OWN.includes(name)) });
  }

  // Before the card is made ready, so that marks are drawn from what is in its fields.
  function restore(form) {
    const { card: id, fields } = read();
    if (!form || form.hasAttribute("data-back") || id !== form.dataset.card) return;
    for (const field of form.elements) {
      const values = fields.filter(([name]) => name === field.name).map(([, value]) => value);
      if (/^(radio|checkbox)$/.test(field.type)) field.checked = values.includes(field.value);
      else if (values.length === 1 && field.type !== "submit") [field.value] = values;
    }
  }

  for (const kind of ["input", "change", "card-changed"]) {
    document.addEventListener(kind, (event) => event.target.closest?.("#place .card") === card() && keep());
  }
  document.addEventListener("submit", (event) => event.target === card() && write(null));
  window.Concord = { ...window.Concord, restoreBegun: restore };
})();
