// A scale. In a row, a digit or a press sends a step, and arrows go from step to step. Of many steps, a slider and an
// exact field say the same.
(() => {
  "use strict";
  const { kinds, worker, cardSaid, cardChanged } = Concord;
  const shown = () => (worker()?.dataset.kind === "scale" ? worker() : null);
  const steps = (form) => [...form.querySelectorAll(".steps .step")];
  const exact = (form) => form.querySelector("[name$=place]");
  const slider = (form) => form.querySelector("[type=range]");
  const STEP = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };

  function ready(form) {
    const range = slider(form);
    if (!range) return;
    range.hidden = false;
    range.closest(".slide").hidden = false;
    if (exact(form).value !== "") range.value = exact(form).value;
    told(form);
  }

  function told(form) {
    const value = exact(form).value;
    slider(form).setAttribute("aria-valuetext", value === "" ? "no answer yet" : value);
    form.querySelector(".slide").toggleAttribute("data-unset", value === "");
    cardChanged(form);
  }

  function walk(form, event) {
    const all = steps(form);
    const at = all.indexOf(document.activeElement);
    const ahead = STEP[event.key] * (event.key.match(/Left|Right/) && getComputedStyle(form).direction === "rtl" ? -1 : 1);
    const begin = all.findIndex((one) => one.hasAttribute("aria-current"));
    const to = at >= 0 ? at + ahead : begin >= 0 ? begin : ahead > 0 ? 0 : all.length - 1;
    all[Math.min(Math.max(to, 0), all.length - 1)]?.focus();
  }

  document.addEventListener("input", (event) => {
    const form = event.target.closest("[data-kind]");
    if (form?.dataset.kind !== "scale" || !slider(form)) return;
    if (event.target === slider(form)) exact(form).value = event.target.value;
    else if (event.target === exact(form) && event.target.value !== "") slider(form).value = event.target.value;
    else if (event.target !== exact(form)) return;
    told(form);
  });

  document.addEventListener("keydown", (event) => {
    const form = shown();
    if (!form || !(event.key in STEP) || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest("input, textarea, select, [popover]") || event.target.matches(".text, .frame") || form.querySelector(".picks")) return;
    event.preventDefault();
    event.stopPropagation();
    if (!slider(form)) return walk(form, event);
    const range = slider(form);
    range.focus();
    if (exact(form).value !== "") STEP[event.key] > 0 ? range.stepUp() : range.stepDown();
    range.dispatchEvent(new Event("input", { bubbles: true }));
  }, true);

  // A digit begins the exact number, so that nobody has to look for its field.
  document.addEventListener("keydown", (event) => {
    const form = shown();
    if (!form || !slider(form) || !/^[-\d]$/.test(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input:not([type=range]), textarea, select")) return;
    exact(form).focus();
    exact(form).select();
  });

  document.addEventListener("invalid", (event) => {
    const form = event.target.closest("[data-kind]");
    if (form?.dataset.kind !== "scale" || event.target !== exact(form)) return;
    event.preventDefault();
    const { min, max } = event.target;
    cardSaid(form, event.target.value ? `The scale goes from ${min} to ${max}.` : "Say a place on the scale first.");
    event.target.focus();
  }, true);

  const picked = (form) => form.querySelector("[name$=label]:checked");

  function take(form, { label, place }) {
    const radio = form.querySelector(`[type=radio][value="${label}"]`);
    if (radio) radio.click();
    else if (form.elements.label) form.elements.label.value = label;
    else {
      exact(form).value = place;
      ready(form);
    }
  }

  const said = (form) => (exact(form) ? [`=${exact(form).value}`] : [(picked(form) ?? form.querySelector("select"))?.value]);

  kinds.scale = { ready, take, said, words: (form) => exact(form)?.value || picked(form)?.dataset.brief };
})();
