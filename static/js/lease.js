// A card is only looked at until the first sign of work; then it is this desk's for a whole lease. Where nobody moves
// for a minute, what was not begun goes back. The last minute of a lease is told, and any key keeps the card.
(() => {
  "use strict";
  const NOTE_FROM = 60;
  const IDLE = 60_000;
  const SETTLE = 700; // a sign that is answered at once needs no keeping
  const AGAIN = 45_000;
  const ends = new WeakMap();
  const shown = () => document.querySelector("#main [data-left]");
  const note = () => document.getElementById("lease");
  const desk = { cards: () => [shown()].filter(Boolean), rested: () => {}, woken: () => {} };
  let asking = false;
  let sign = Date.now();
  let kept = 0;
  let idle = false;
  let soon = null;

  function set(card, seconds = Number(card.dataset.left), begun = false) {
    ends.set(card, performance.now() + seconds * 1000);
    if (begun) card.dataset.begun = "";
    const until = card.querySelector(".until");
    if (!until) return;
    until.hidden = !card.hasAttribute("data-begun");
    const told = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    until.querySelector("time").textContent = new Date(Date.now() + seconds * 1000).toLocaleTimeString([], told);
  }

  function look() {
    if (!idle && Date.now() - sign > IDLE) rest();
    const card = shown();
    const place = note();
    if (!place) return;
    if (card && !ends.has(card)) set(card);
    const mine = card?.hasAttribute("data-begun") && !card.hasAttribute("data-back");
    const left = mine ? (ends.get(card) - performance.now()) / 1000 : Infinity;
    const close = left <= NOTE_FROM;
    if (close) say(place, Math.ceil(left));
    if (place.hidden === close) place.hidden = !close;
  }

  function say(place, left) {
    const seconds = `This task is yours for ${left} more second${left === 1 ? "" : "s"}.`;
    place.querySelector("b").textContent = left > 0 ? seconds : "This task may go to somebody else now.";
  }

  async function keep() {
    const card = shown();
    if (asking || !card?.dataset.keep || card.hasAttribute("data-back")) return;
    asking = true;
    kept = Date.now();
    try {
      const headers = { "HX-Request": "true", "X-CSRFToken": Concord.token() };
      const response = await fetch(card.dataset.keep, { method: "POST", headers });
      if (response.ok) set(card, (await response.json()).left, true);
      else if (response.status === 409 && card === shown()) desk.woken();
    } catch {
      // Without a line the note stays; an answer is taken in any case.
    }
    asking = false;
    look();
  }

  // Somebody works here. A card that is answered at once is not kept first.
  function working() {
    const woke = idle;
    sign = Date.now();
    idle = false;
    const card = shown();
    if (!card || soon || (card.hasAttribute("data-begun") && !woke && sign - kept < AGAIN)) return;
    soon = setTimeout(async () => {
      soon = null;
      if (card === shown()) await keep();
      if (woke) desk.woken();
    }, SETTLE);
  }

  function give(cards) {
    const held = cards.filter((one) => !one.hasAttribute("data-begun")).map((one) => one.dataset.card);
    if (!held.length) return;
    const fields = new FormData();
    fields.set("held", held.join(" "));
    fields.set("at", document.getElementById("main").dataset.at ?? ""); // a page that came after this one keeps its cards
    fields.set("csrfmiddlewaretoken", Concord.token());
    navigator.sendBeacon(document.getElementById("main").dataset.rest, fields);
  }

  function rest() {
    idle = true;
    give(desk.cards());
    desk.rested();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (note() && !note().hidden) keep();
    working();
  });
  for (const kind of ["pointerdown", "wheel", "touchmove"]) {
    document.addEventListener(kind, (event) => event.target.closest?.("#main form") && working(), { passive: true });
  }
  document.addEventListener("click", (event) => event.target.closest?.("#lease button") && keep());
  addEventListener("pagehide", () => give(desk.cards()));
  setInterval(look, 1000);
  const atDesk = (told) => Object.assign(desk, told);
  window.Concord = { ...window.Concord, lease: set, atDesk, idle: () => idle };
  look();
})();
