// One press, one act: a key clicks what carries its name. Nothing fires while somebody types; letters can be changed.
(() => {
  "use strict";
  const STORE = "concord.keys";
  const usual = { skip: "s", undo: "u", flag: "f", note: "c", guide: "h", back: "b" };
  const fixed = { " ": "skip", Backspace: "undo", ArrowLeft: "older", ArrowRight: "newer", ",": "older", ".": "newer", "?": "keys", "/": "find", Enter: "settle", "+": "nearer", "=": "nearer", "-": "farther", z: "whole" };
  const typed = "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]";
  let letters = { ...usual, ...read() };

  function read() {
    try {
      return JSON.parse(localStorage.getItem(STORE)) || {};
    } catch {
      return {};
    }
  }

  function visible(selector) {
    return [...document.querySelectorAll(selector)].find((one) => one.checkVisibility());
  }

  function act(name) {
    const found = visible(`[data-on] [data-do="${name}"]`) ?? visible(`[data-do="${name}"]`); // of the question in hand first
    if (!found) return false;
    if (found.control) found.control.focus();
    else if (found.matches("input[type=search]")) found.focus();
    else found.click();
    return true;
  }

  function nameOf(event) {
    if (event.ctrlKey || event.metaKey) return event.key.toLowerCase() === "z" && !event.shiftKey ? "undo" : null;
    if (event.altKey) return null;
    const own = Object.keys(letters).filter((name) => letters[name] === event.key.toLowerCase());
    return own.find((name) => visible(`[data-do="${name}"]`)) ?? fixed[event.key];
  }

  // The digit that a key means: by its sign, else by its place, for keyboards that give digits with shift only.
  function digitOf(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return "";
    if (/^\d$/.test(event.key)) return event.key;
    const place = !event.shiftKey && /^(?:Digit|Numpad)(\d)$/.exec(event.code);
    return place && !Object.values(letters).includes(event.key.toLowerCase()) && !(event.key in fixed) ? place[1] : "";
  }

  // The letter that a label has, where no act has it; on keyboards of other scripts by its place.
  function letterOf(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return "";
    const sign = event.key.toLowerCase();
    const letter = /^[a-z]$/.test(sign) ? sign : /^\p{L}$/u.test(sign) && /^Key([A-Z])$/.exec(event.code)?.[1].toLowerCase();
    return letter && ![letter, sign].some((one) => Object.values(letters).includes(one)) ? letter : "";
  }

  // Space and enter on something that has a meaning for them keep that meaning; arrows keep theirs among radios.
  function taken(event) {
    const on = (selector) => event.target.closest(selector);
    if (event.key === " ") return on("button, a, summary, label, input, [tabindex='0']");
    if (event.key === "Enter") return on("button, a, summary, label, input");
    return event.key.startsWith("Arrow") && on("input:not([type=checkbox])");
  }

  function leave(event) {
    const field = event.target;
    if (!field.matches(".noting textarea") || (event.key !== "Escape" && (event.key !== "Enter" || event.shiftKey))) return;
    event.preventDefault();
    field.closest("form").querySelector("h1").focus();
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.repeat) return;
    if (event.target.closest?.(typed)) return leave(event);
    const digit = digitOf(event) || letterOf(event);
    const part = document.querySelector("#main .part[data-on]") ? ".part[data-on]" : ""; // the question in hand
    const label = digit && visible(`#main ${part} [aria-keyshortcuts="${digit}"]`);
    if (label) {
      event.preventDefault();
      if (label.matches("input")) label.focus({ preventScroll: true }); // so that one row is marked, not two
      label.click();
    } else if (!/^\d$/.test(digit) && !taken(event)) {
      const name = nameOf(event);
      if (name && act(name)) event.preventDefault();
    }
  });

  function paint(root = document) {
    for (const [name, key] of Object.entries(letters)) {
      root.querySelectorAll(`[data-key="${name}"], [data-do="${name}"] > kbd`).forEach((cap) => (cap.textContent = key));
      root.querySelectorAll(`[data-do="${name}"][aria-keyshortcuts]`).forEach((one) => one.setAttribute("aria-keyshortcuts", key));
      root.querySelectorAll(`.rebind [name="${name}"]`).forEach((field) => (field.value = key));
    }
  }

  function keep(form, wanted) {
    const keys = Object.values(wanted);
    const wrong = keys.some((key) => !/^\S$/.test(key) || /[0-9?/,.+=z-]/.test(key));
    const reason = wrong ? "Each key is one sign: no digit, no z, and none of ? / , . + - =." : new Set(keys).size < keys.length ? "Two acts have the same key." : "";
    form.querySelector("[role=alert]").textContent = reason;
    if (reason) return;
    letters = { ...usual, ...wanted };
    try {
      localStorage.setItem(STORE, JSON.stringify(wanted));
    } catch {
      // A browser that keeps nothing still has the keys until the page is left.
    }
    paint();
  }

  const form = document.querySelector(".rebind form");
  if (form) {
    form.closest(".rebind").hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const told = Object.fromEntries([...new FormData(form)].map(([name, key]) => [name, key.toLowerCase()]));
      keep(form, told);
    });
    form.addEventListener("reset", (event) => {
      event.preventDefault();
      const names = [...form.elements].map((field) => field.name).filter(Boolean);
      keep(form, Object.fromEntries(names.map((name) => [name, usual[name]])));
    });
  }
  window.Concord = { ...window.Concord, paintKeys: paint };
  paint();
})();
