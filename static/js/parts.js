// A text longer than its place says so, and how many of its parts lie below; keys wait until each part came into view.
(() => {
  "use strict";
  const BELOW = 24; // pixels of a part that have to show before it counts as seen
  const seen = new WeakMap();

  function unseen(text) {
    const bottom = text.scrollTop + text.clientHeight;
    const marks = [...text.querySelectorAll("h2")];
    const known = seen.get(text) ?? new Set();
    seen.set(text, known);
    const top = (mark) => mark.getBoundingClientRect().top - text.getBoundingClientRect().top + text.scrollTop;
    for (const mark of marks) if (top(mark) + mark.offsetHeight + BELOW <= bottom + 1) known.add(mark);
    return marks.filter((mark) => !known.has(mark));
  }

  function told(text) {
    const button = text.parentElement.querySelector(".fold");
    if (!button) return;
    const left = unseen(text);
    const parts = text.querySelectorAll("h2").length;
    const rest = text.scrollHeight - text.clientHeight - text.scrollTop;
    button.hidden = rest < BELOW;
    const more = `${Math.max(1, Math.round((100 * rest) / text.scrollHeight))}% more below`;
    const names = left.map((mark) => mark.textContent).join(", ");
    const words = left.length ? `${parts} parts, ${left.length === 1 ? names : `${left.length} of them`} below` : more;
    if (button.firstElementChild.textContent !== words) button.firstElementChild.textContent = words;
  }

  // True where a part was not in view yet; it is brought there instead.
  function waits(form) {
    const text = form.querySelector(".text");
    const [next] = text ? unseen(text) : [];
    if (!next) return false;
    next.scrollIntoView({ block: "start" });
    told(text);
    return true;
  }

  function read(place) {
    const text = place.querySelector(".card .text");
    if (!text) return;
    text.addEventListener("scroll", () => told(text), { passive: true });
    told(text);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".fold");
    if (!button) return;
    const text = button.parentElement.querySelector(".text");
    if (!waits(button.form)) text.scrollBy({ top: text.clientHeight - BELOW });
    text.focus({ preventScroll: true });
  });
  addEventListener("resize", () => document.querySelectorAll("#place .text").forEach(told));
  window.Concord = { ...window.Concord, readParts: read, partsWait: waits };
})();
