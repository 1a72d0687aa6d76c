// How long a card stays on this desk: its time in local words, a note in the last minute, any key keeps it.
(() => {
  "use strict";
  const NOTE_FROM = 60;
  const ends = new WeakMap();
  const shown = () => document.querySelector("#main [data-left]");
  const note = () => document.getElementById("lease");
  let asking = false;

  function set(card, seconds = Number(card.dataset.left)) {
    ends.set(card, performance.now() + seconds * 1000);
    const time = card.querySelector(".source time");
    if (time) time.textContent = new Date(Date.now() + seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  }

  function look() {
    const card = shown();
    const place = note();
    if (!place) return;
    if (card && !ends.has(card)) set(card);
    const left = card && !card.hasAttribute("data-back") ? (ends.get(card) - performance.now()) / 1000 : Infinity;
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
    if (asking || !card) return;
    asking = true;
    try {
      const response = await fetch(card.dataset.keep, { method: "POST", headers: { "X-CSRFToken": Concord.token() } });
      if (response.ok) set(card, (await response.json()).left);
    } catch {
      // Without a line the note stays; an answer is taken in any case.
    }
    asking = false;
    look();
  }

  document.addEventListener("click", (event) => event.target.closest?.("#lease button") && keep());
  document.addEventListener("keydown", () => note() && !note().hidden && keep());
  setInterval(look, 1000);
  window.Concord = { ...window.Concord, lease: set };
  look();
})();
