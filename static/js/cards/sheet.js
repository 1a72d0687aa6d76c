// A card with several questions: one of them is in hand, and digits belong to it. An answer of one press hands the next
// one over, enter does so in any case, and what was answered is sent once nothing is open.
(() => {
  "use strict";
  const { kinds, kindOf, cardSaid } = Concord;
  const card = () => document.querySelector("#main form[data-kind=sheet]");
  const parts = (form) => [...form.querySelectorAll(".part:not(:disabled)")];
  const now = (form) => form.querySelector(".part[data-on]");
  const none = (part) => part.querySelector("[data-none]");
  const name = (part) => part.querySelector("legend").textContent;
  let walks = false; // arrows go through the steps of a scale; that is no press

  function answered(part) {
    if (none(part)) return none(part).checked || !kindOf(part).empty(part);
    return !part.querySelector(":invalid");
  }

  // What was answered to a question, by the keys of labels, or by its exact number.
  const said = (part) => kindOf(part).said?.(part) ?? [...part.querySelectorAll(":checked")].map((one) => one.value);

  // A question that is asked only after a certain answer to another one on the card comes and goes with it.
  function follow(form) {
    for (const part of form.querySelectorAll("[data-after]")) {
      const before = form.querySelector(`[data-question="${part.dataset.after}"]`);
      if (!before) continue;
      const given = before.disabled ? [] : said(before);
      const asked = JSON.parse(part.dataset.if).every(([key, name]) => given.includes(key) || given.includes(`=${name}`));
      part.hidden = part.disabled = !asked;
    }
    const shown = parts(form).length;
    form.querySelector("h1").lastChild.textContent = `${shown} question${shown === 1 ? "" : "s"}`;
    if (now(form)?.disabled) turn(parts(form)[0], false);
  }

  function turn(part, focus = true) {
    const form = part.form;
    if (now(form) !== part) {
      now(form)?.removeAttribute("data-on");
      part.dataset.on = "";
      kindOf(part).shown?.(part);
      form.dispatchEvent(new CustomEvent("card-changed", { bubbles: true }));
    }
    if (!focus) return;
    part.querySelector("legend").focus({ preventScroll: true });
    part.scrollIntoView({ block: "nearest" });
  }

  // The next open question, those after the one in hand first; where none is open, the button that sends.
  function advance(form) {
    const all = parts(form);
    const at = all.indexOf(now(form));
    const open = [...all.slice(at + 1), ...all.slice(0, at)].find((part) => !answered(part));
    if (open) return turn(open);
    cardSaid(form, "All is answered; enter sends.");
    form.querySelector("[data-send]").focus({ preventScroll: true });
    form.querySelector("[data-send]").scrollIntoView({ block: "nearest" });
  }

  // An empty answer is said on purpose: the first enter asks, the second one says it.
  function enter(form) {
    const part = now(form);
    if (!answered(part) && !none(part)) return cardSaid(form, `“${name(part)}” has no answer yet.`);
    if (!answered(part) && !part.hasAttribute("data-asked")) {
      part.dataset.asked = "";
      return cardSaid(form, `Nothing is chosen. Press enter once more for “${none(part).parentElement.textContent.trim()}”.`);
    }
    if (!answered(part)) none(part).click();
    advance(form);
  }

  document.addEventListener("keydown", (event) => (walks = event.key.startsWith("Arrow")), true);
  document.addEventListener("change", (event) => {
    const part = event.target.closest?.(".part");
    if (!part) return;
    delete part.dataset.asked;
    follow(part.form);
    if (event.target.matches(".picks input, select") && !walks) advance(part.form);
  });

  for (const kind of ["input", "card-changed"]) {
    document.addEventListener(kind, (event) => event.target.matches?.(".part, .part *") && follow(event.target.closest("form")));
  }

  document.addEventListener("focusin", (event) => {
    const part = event.target.closest?.(".part");
    if (part) turn(part, false);
  });

  // Whoever goes to the text wants to mark in it.
  document.addEventListener("pointerdown", (event) => {
    const form = event.target.closest?.(".text") && card();
    const marks = form && parts(form).filter((part) => part.dataset.kind === "spans");
    if (marks?.length && !marks.includes(now(form))) turn(marks.find((part) => !answered(part)) ?? marks[0], false);
  }, true);

  function missing(part) {
    turn(part);
    cardSaid(part.form, `“${name(part)}” has no answer yet.`);
  }

  document.addEventListener("submit", (event) => {
    if (event.target !== card() || !event.submitter?.matches("[data-send]")) return;
    const open = parts(event.target).find((part) => !answered(part));
    if (!open) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    missing(open);
  }, true);
  document.addEventListener("invalid", (event) => {
    const part = event.target.closest?.(".part");
    if (!part || event.target.matches("[data-enter]")) return;
    event.preventDefault();
    missing(parts(part.form).find((one) => !answered(one)));
  }, true);

  // What was answered, as the server says it.
  function words(form) {
    const said = parts(form).map((part) => (none(part)?.checked ? none(part).dataset.words : kindOf(part).words(part, part)));
    return [...new Set(said)].join(" · ");
  }

  function ready(form) {
    form.querySelectorAll(".part").forEach((part) => kindOf(part).ready?.(part));
    follow(form);
    turn(now(form) ?? parts(form).find((part) => !answered(part)) ?? parts(form)[0], false);
  }

  kinds.sheet = {
    ready,
    words,
    enter,
    undo: (form) => kindOf(now(form)).undo?.(now(form)),
    undoable: (form) => now(form) && kindOf(now(form)).undoable?.(now(form)),
  };
})();
