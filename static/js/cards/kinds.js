// What a kind of answer does on a card besides being a form. Each kind's file puts itself here under its name:
// ready(form) when the card comes to the screen, words(form, button) for what is said of the answer, undo(form) true
// where a step on the card itself was taken back, undoable(form) its words, empty(form) whether nothing is chosen,
// enter(form) where the key has another meaning. On a card with several questions, each part of it is such a form.
(() => {
  "use strict";
  const kinds = {};
  const of = (form) => kinds[form?.dataset.kind] ?? {};
  const card = () => document.querySelector("#main form[data-kind]");
  const worker = () => document.querySelector("#main .part[data-on]") ?? card(); // where there are several questions, one
  const field = "input:not([type=radio], [type=checkbox], [type=range]), textarea, select";

  function wordsOf(form, button) {
    const ask = button.matches("[data-send]") && of(form).words;
    return (ask && ask(form, button)) || button.dataset.words;
  }

  // An empty answer is said on purpose: the first enter asks, the second one, or the button, says it.
  function send(form) {
    const [one, none] = ["[data-send]", "[data-none]"].map((name) => form.querySelector(name));
    if (!of(form).empty?.(form)) return one?.click();
    if (form.hasAttribute("data-asked")) return none?.click();
    form.dataset.asked = "";
    said(form, `Nothing is chosen. Press enter once more for “${none.textContent}”.`);
  }

  // The one line of a card that tells what happened on it.
  function said(form, words) {
    const line = form.querySelector(".told") ?? form.closest("form").querySelector(".told");
    if (line && line.textContent !== words) line.textContent = words;
  }

  // Whatever is chosen or taken away: the buttons say what they would send.
  function changed(form) {
    const none = form.querySelector("[data-none]");
    const empty = of(form).empty?.(form);
    delete form.dataset.asked;
    if (none?.matches("[type=checkbox]")) none.checked &&= empty;
    else if (none) none.hidden = !empty;
    form.querySelector("[data-send]")?.toggleAttribute("data-idle", Boolean(empty));
    form.dispatchEvent(new CustomEvent("card-changed", { bubbles: true }));
  }

  document.addEventListener("keydown", (event) => {
    const form = card();
    if (event.key !== "Enter" || event.isComposing || event.repeat || !form?.querySelector("[data-send]")) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const on = event.target.closest?.("button, a, summary, textarea, select, [popover]");
    if (on || (event.target.matches?.(field) && !event.target.matches("[data-enter]"))) return;
    event.preventDefault();
    onward(form);
  });

  // What enter means on a card.
  function onward(form) {
    if (of(form).enter) of(form).enter(form);
    else if (form.querySelector("[data-send]")) send(form);
  }

  // Nothing chosen and the button pressed: asked in the same way. What is chosen is sent.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!event.submitter?.matches("[data-send]") || !of(form).empty?.(form)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    send(form);
  }, true);

  function ready(form) {
    Concord.pictures(form);
    if (form) of(form).ready?.(form);
  }

  window.Concord = { ...window.Concord, kinds, kindOf: of, worker, wordsOf, onward, cardReady: ready, cardSaid: said, cardChanged: changed };
})();
