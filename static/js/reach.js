// Ways to a label or a tool besides keys: a field that finds one of many labels, and swipes over the text.
(() => {
  "use strict";
  const FAR = 72;
  let start = null;

  const around = (field) => field.closest(".part") ?? field.form; // of several questions each has a field of its own

  document.addEventListener("input", (event) => {
    const field = event.target;
    if (!field.matches(".find")) return;
    const wanted = field.value.trim().toLocaleLowerCase();
    for (const label of around(field).querySelectorAll(".label")) {
      label.hidden = !label.textContent.toLocaleLowerCase().includes(wanted);
    }
  });

  document.addEventListener("keydown", (event) => {
    const field = event.target;
    if (!field.matches?.(".find") || event.isComposing) return;
    if (event.key === "Enter") {
      event.preventDefault();
      if (!field.value.trim()) return void Concord.onward(field.form);
      const found = around(field).querySelector(".labels .label:not([hidden])");
      found?.click();
      if (found?.querySelector("input[type=radio]")) return; // the one label; the next question is in hand
      if (field.form.querySelector("[data-send]")) field.select(); // the next label is looked for in the same way
    } else if (event.key === "Escape") {
      field.value = "";
      field.dispatchEvent(new Event("input", { bubbles: true }));
      (around(field).querySelector("legend") ?? field.form.querySelector("h1")).focus();
    }
  });

  document.addEventListener("touchstart", (event) => {
    const touch = event.touches.length === 1 && event.target.closest?.(".card .text") ? event.touches[0] : null;
    start = touch && { x: touch.clientX, y: touch.clientY };
  }, { passive: true });

  document.addEventListener("touchend", (event) => {
    if (!start) return;
    const { clientX, clientY } = event.changedTouches[0];
    const [across, down] = [clientX - start.x, clientY - start.y];
    start = null;
    if (Math.abs(across) < FAR || Math.abs(across) < 2 * Math.abs(down) || String(getSelection())) return;
    document.querySelector(`#place [data-do="${across < 0 ? "skip" : "undo"}"]:not([hidden])`)?.click();
  }, { passive: true });
})();
