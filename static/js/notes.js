// What the page says about the line and about what became of an act: one sign in the bar, one note above the work.
(() => {
  "use strict";
  const signs = { saved: ["saved", "Saved"], wait: ["wait", "Saving"], off: ["off", "Offline"], bad: ["bang", "Not saved"] };
  const notes = () => document.getElementById("notes");
  const fromTemplate = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);

  function state(kind, count = 0, words = "") {
    const sign = document.getElementById("save-state");
    const [icon, word] = signs[kind];
    const kept = kind === "off" && count ? `, ${count} answer${count === 1 ? "" : "s"} kept here` : "";
    sign.classList.toggle("bad", kind === "bad");
    sign.querySelector("use").setAttribute("href", `#i-${icon}`);
    sign.querySelector("span").textContent = word + kept + (words && `: ${words}`);
  }

  function note(title, detail, { bad = false, words = "", act = null } = {}) {
    const made = fromTemplate(bad ? "t-bad-note" : "t-note");
    made.querySelector("b").textContent = title;
    made.querySelector(".quiet").textContent = detail;
    const button = made.querySelector("button");
    button.textContent = words;
    button.hidden = !act;
    if (act) button.addEventListener("click", act);
    notes().replaceChildren(made);
  }

  window.Concord = { ...window.Concord, state, note, hush: () => notes().replaceChildren(), fromTemplate };
})();
